// Zipone zips one file as a function platform wants it: under a name of its own, executable,
// and with nothing in it of when and where it was made, so that the same file is the same zip.
package main

import (
	"archive/zip"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

func main() {
	name := flag.String("name", "", "what the file is called in the zip")
	out := flag.String("o", "", "the zip")
	flag.Parse()
	if *name == "" || *out == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: zipone -name NAME -o ZIP FILE")
		os.Exit(2)
	}
	if err := zipFile(*out, *name, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "zipone:", err)
		os.Exit(1)
	}
}

// zipFile writes a zip at out that holds one file.
func zipFile(out, name, file string) error {
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(out)
	if err != nil {
		return err
	}
	if err := zipOne(to, name, from); err != nil {
		to.Close()
		return err
	}
	return to.Close()
}

// epoch is the time in every zip: the first that the format can say.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// zipOne writes a zip to w that holds what r has as an executable file called name.
func zipOne(w io.Writer, name string, r io.Reader) error {
	header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: epoch}
	header.SetMode(0o755)
	archive := zip.NewWriter(w)
	entry, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(entry, r); err != nil {
		return err
	}
	return archive.Close()
}
