package main

import (
	"os"
	"sync"
)

// eaten holds on to what eatMemory took, so that it is never given back.
var eaten struct {
	sync.Mutex
	blocks [][]byte
}

// eatMemory takes size bytes and writes to every page of them, for a cgroup
// counts only pages that were touched.
func eatMemory(size byteSize) {
	if size == 0 {
		return
	}
	block := make([]byte, size)
	for i := 0; i < len(block); i += os.Getpagesize() {
		block[i] = 1
	}
	eaten.Lock()
	defer eaten.Unlock()
	eaten.blocks = append(eaten.blocks, block)
}

// eatCPU keeps one CPU busy for as long as the process lives.
func eatCPU() {
	go func() {
		for { //lint:ignore SA5002 spinning is what was asked for
		}
	}()
}
