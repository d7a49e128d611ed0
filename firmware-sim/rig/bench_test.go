package rig

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"testing"
	"testing/synctest"

	"sekimori/firmware-sim/story"
	"sekimori/testdata"
)

// TestStories plays every story of the repository on the bench, in virtual
// time: the proof. SEKIMORI_LOG=1 shows what the daemons log.
func TestStories(t *testing.T) {
	var files []string
	err := fs.WalkDir(testdata.Files, "stories", func(p string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(p, ".story") {
			files = append(files, p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 30 {
		t.Fatalf("%d stories only", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(path.Base(file), ".story"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	text, err := testdata.Files.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := story.Parse(path.Base(file), text)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log *slog.Logger
		if os.Getenv("SEKIMORI_LOG") != "" {
			log = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}
		r := story.Play(context.Background(), s, NewBench(dir, synctest.Wait, log), nil)
		if r.Err != nil {
			var b strings.Builder
			r.Write(&b, 160, false)
			t.Errorf("%v\n%s", r.Err, b.String())
		}
	})
}
