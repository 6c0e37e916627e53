//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// appends reports whether all that is written to a file goes to its end, as with >>.
func appends(file *os.File) bool {
	flags, err := unix.FcntlInt(file.Fd(), unix.F_GETFL, 0)
	info, statErr := file.Stat()
	return err == nil && flags&unix.O_APPEND != 0 && statErr == nil && info.Mode().IsRegular()
}

// lock keeps others from a file for as long as this process has it open.
func lock(file *os.File) error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) }
