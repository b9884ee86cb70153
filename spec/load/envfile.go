package load

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"unicode"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/native"
)

// envFile merges the files of envFile into env, which wins, and clears envFile: all that comes later then knows one list, and a
// changed file is a changed object like any other.
func (l *loader) envFile(d *native.Document, s *spec.ContainerSpec, at string) {
	merged := newEnv()
	for i, name := range s.EnvFile {
		field := fmt.Sprintf("%s.envFile[%d]", at, i)
		vars, err := l.readEnv(name)
		if err != nil {
			l.problem(d, field, err.Error())
		}
		merged.set(vars)
	}
	merged.set(s.Env)
	if len(s.EnvFile) > 0 {
		s.Env, s.EnvFile = merged.vars, nil
	}
}

func (l *loader) readEnv(name string) ([]spec.EnvVar, error) {
	if name == "" {
		return nil, nil // reported by Validate
	}
	if l.read == nil {
		return nil, errors.New("env files are not read here; use env")
	}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(l.path), path)
	}
	l.envFiles = append(l.envFiles, path)
	data, err := l.read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("found no file %q; want the path of one, relative to the manifest", path)
	case err != nil:
		return nil, fmt.Errorf("cannot read %q: %w", path, err)
	}
	if p, bad := unusable(File{Path: path, Data: data}); bad {
		return nil, errors.New(p.String())
	}
	return parseEnv(path, data)
}

// parseEnv reads KEY=VALUE lines as docker run --env-file does: white space before a line is dropped, empty lines and those
// that begin with # are skipped, and a value is everything after the first =, quotes included. A KEY alone, which
// docker takes from its own environment, is an error: the agent's is nobody's business. Errors never repeat a line: it may be a secret.
func parseEnv(path string, data []byte) ([]spec.EnvVar, error) {
	var vars []spec.EnvVar
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		text = strings.TrimLeftFunc(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r"), unicode.IsSpace)
		if text == "" || text[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		switch {
		case !ok:
			return nil, fmt.Errorf("%s:%d: found a line without =; want KEY=VALUE", path, line)
		case !spec.IsEnvName(name):
			return nil, fmt.Errorf("%s:%d: found a name that is empty or has spaces; want KEY=VALUE", path, line)
		}
		vars = append(vars, spec.EnvVar{Name: name, Value: value})
	}
	return vars, nil
}

// env is a list of variables in which a later value replaces an earlier one in its place.
type env struct {
	vars []spec.EnvVar
	at   map[string]int
}

func newEnv() *env { return &env{at: map[string]int{}} }

func (e *env) set(vars []spec.EnvVar) {
	for _, v := range vars {
		if i, ok := e.at[v.Name]; ok {
			e.vars[i] = v
			continue
		}
		e.at[v.Name] = len(e.vars)
		e.vars = append(e.vars, v)
	}
}
