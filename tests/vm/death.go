// SPDX-License-Identifier: GPL-2.0-or-later
// death: a real init in Go that dereferences nil in a goroutine, as death.c does in C.
package main

import "runtime"

type unit struct {
	name   string
	number int
	next   *unit
}

//go:noinline
func touch(one *unit, depth int) int {
	if depth > 0 {
		return touch(one.next, depth-1) + depth
	}
	return one.number
}

func start(first *unit, done chan int) {
	runtime.LockOSThread()
	done <- touch(first, 3)
}

func main() {
	done := make(chan int)
	go start(&unit{"basic.target", 3, &unit{"udev.service", 2, &unit{"root.mount", 1, nil}}}, done)
	<-done
}
