package daemon

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// secretPath resolves "credential:NAME" to the file in which systemd hands the
// credential over; any other text is a path.
func secretPath(s string) (string, error) {
	name, ok := strings.CutPrefix(s, "credential:")
	if !ok {
		return s, nil
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("credential %s: this process was given none (systemd's LoadCredential)", name)
	}
	if !filepath.IsLocal(name) || strings.ContainsRune(name, filepath.Separator) {
		return "", fmt.Errorf("credential %q is not a plain name", name)
	}
	return filepath.Join(dir, name), nil
}
