package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// printEnv sorts the environment, so that two of them can be compared.
func printEnv(w io.Writer) error {
	_, err := fmt.Fprintln(w, strings.Join(slices.Sorted(slices.Values(os.Environ())), "\n"))
	return err
}
