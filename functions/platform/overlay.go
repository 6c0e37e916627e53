package platform

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Broken returns the argument for [Build] that builds a binary with a defect: the
// source file, named from the root of the module, with old replaced by new.
func Broken(dir, root, file, old, new string) (string, error) {
	path, err := filepath.Abs(filepath.Join(root, file))
	if err != nil {
		return "", err
	}
	source, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !strings.Contains(string(source), old) {
		return "", errors.New("platform: " + file + " has no " + old)
	}
	broken := filepath.Join(dir, "broken.go")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(source), old, new, 1)), 0o600); err != nil {
		return "", err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: broken}})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return "-overlay=" + name, os.WriteFile(name, overlay, 0o600)
}
