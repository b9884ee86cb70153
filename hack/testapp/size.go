package main

import (
	"fmt"
	"math"
	"strconv"
)

// byteSize is a number of bytes, written plain or with Ki, Mi or Gi. Kubernetes'
// quantities would read it too, but would double the memory and the start-up
// time of a program that benchmarks start by the hundred.
type byteSize int64

var sizeUnits = map[string]int64{"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}

// String and Set make it a flag.Value.
func (b *byteSize) String() string { return strconv.FormatInt(int64(*b), 10) }

func (b *byteSize) Set(s string) error {
	digits, unit := s, int64(1)
	if n := len(s) - 2; n > 0 {
		if u, ok := sizeUnits[s[n:]]; ok {
			digits, unit = s[:n], u
		}
	}
	count, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || count < 0 || count > math.MaxInt64/unit {
		return fmt.Errorf("%q is not a size, want bytes or a number with Ki, Mi or Gi", s)
	}
	*b = byteSize(count * unit)
	return nil
}
