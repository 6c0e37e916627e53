package app

import (
	"bytes"
	"io"
	"log"
	"log/slog"
)

// NewLogger returns a logger that writes JSON to w, a line each, as the settings say.
func (s Settings) NewLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: s.LogLevel}))
}

// TakeStandardLog makes the standard log, which libraries write to, go to l without
// what they quote: net/http quotes what an upstream sends unasked, which can be anything.
func TakeStandardLog(l *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(libraryLog{l})
}

type libraryLog struct{ log *slog.Logger }

// Write logs a message up to the first quotation mark in it.
func (l libraryLog) Write(message []byte) (int, error) {
	shown, _, cut := bytes.Cut(message, []byte{'"'})
	l.log.Warn("a library says", "message", string(bytes.TrimSpace(shown)), "cut", cut)
	return len(message), nil
}
