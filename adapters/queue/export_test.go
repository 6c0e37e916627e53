package queue

import "phoneverify/core"

// HasFate reports whether the table of fates has a kind.
func HasFate(k core.Kind) bool { _, ok := fates[k]; return ok }

// IsLeft reports whether a message that came to a kind is delivered again.
func IsLeft(k core.Kind) bool { return fates[k].left }
