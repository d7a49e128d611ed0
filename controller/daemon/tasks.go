package daemon

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"
)

// tasks runs named functions until the context ends or one of them fails, and
// waits for all of them. Goroutines of the daemon start here and nowhere else.
type tasks struct {
	group *errgroup.Group
	ctx   context.Context
	log   *slog.Logger
}

func newTasks(ctx context.Context, log *slog.Logger) *tasks {
	g, gctx := errgroup.WithContext(ctx)
	return &tasks{g, gctx, log}
}

// start runs fn as a task. An error of it ends the daemon, which then starts
// afresh under its supervisor: a door whose part is silently gone is worse
// than a door that says so.
func (t *tasks) start(name string, fn func(context.Context) error) {
	t.group.Go(func() error {
		t.log.Debug("task started", "task", name)
		if err := fn(t.ctx); err != nil && t.ctx.Err() == nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
}

func (t *tasks) wait() error { return t.group.Wait() }
