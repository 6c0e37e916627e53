package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"phoneverify/adapters/credential"
	"phoneverify/adapters/faceid/faceidsim"
	"phoneverify/adapters/httpapi"
	"phoneverify/functions/internal/app"
)

// build is what this program has. A store that others share is added by a build tag.
var build = app.Build{
	Credentials: []string{"env"},
	Stores:      map[string]app.OpenStore{},
}

// options are what the command line says.
type options struct {
	addr       string
	faceidAddr string
	messages   string
	results    string
}

// run serves until ctx is done, and returns the exit status: 2 for a command line or
// settings that can't be.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("local", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "where the API listens; port 0 picks a free one")
	flags.StringVar(&o.faceidAddr, "faceid-addr", "127.0.0.1:8081", "where the simulator of FaceID listens")
	flags.StringVar(&o.messages, "messages", "", "serve nothing, but verify the messages in `FILE`, one a line as JSON; - is standard input")
	flags.StringVar(&o.results, "results", "", "append the results to `FILE`, and do not ask again what has its answer there; by default standard output")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintln(stderr, "local: takes no arguments but flags")
		return 2
	}
	settings, err := app.ReadSettings(environ, build)
	if err == nil {
		err = errors.Join(checkAddr(o, settings), checkMessages(o, settings))
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	if o.messages != "" {
		return runMessages(ctx, o, settings, stdin, stdout, stderr)
	}
	if err := serve(ctx, o, settings, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "local:", err)
		return 1
	}
	return 0
}

// checkAddr keeps an API without authentication, and the simulator with its
// well-known keys, from other machines.
func checkAddr(o options, s app.Settings) error {
	if !app.IsLoopback(o.addr) && s.CallerAuth == "" {
		return errors.New("local: -addr must be a loopback address until " + app.Prefix + "CALLER_AUTH is set")
	}
	if !app.IsLoopback(o.faceidAddr) {
		return errors.New("local: -faceid-addr must be a loopback address")
	}
	return nil
}

// serve starts the simulator, unless the settings name another upstream, and the API.
func serve(ctx context.Context, o options, s app.Settings, stdout, stderr io.Writer) error {
	log := s.NewLogger(stderr)
	app.TakeStandardLog(log)
	parts := app.Options{Log: log}
	var servers group
	defer servers.stop()
	var faceidURL string
	if !s.Given("FACEID_ENDPOINT") {
		var err error
		if faceidURL, err = servers.start(o.faceidAddr, new(faceidsim.Simulator), log); err != nil {
			return err
		}
		s.FaceIDEndpoint, _ = url.Parse(faceidURL)
		parts.Credentials = credential.Static{SecretID: faceidsim.SecretID, SecretKey: faceidsim.SecretKey}
	}
	function := app.New(s, parts).HTTP
	var api http.Handler = documented{function}
	if s.CallerAuth == "" {
		function.Auth = httpapi.Anyone{} // on loopback, as checkAddr saw to
		api = thisMachine{api}
	}
	apiURL, err := servers.start(o.addr, api, log)
	if err != nil {
		return err
	}
	greet(stdout, apiURL, faceidURL)
	select {
	case err := <-servers.failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// thisMachine keeps web pages from a handler on loopback that lets everyone in: a
// browser says where a request comes from, and by which name it found the way.
type thisMachine struct{ http.Handler }

func (h thisMachine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "none" && site != "same-origin" || !app.IsLoopback(r.Host) {
		http.Error(w, "requests of web pages are refused until "+app.Prefix+"CALLER_AUTH is set", http.StatusForbidden)
		return
	}
	h.Handler.ServeHTTP(w, r)
}

// greet prints what is where, a name=value a line, then a command to try it with.
func greet(w io.Writer, apiURL, faceidURL string) {
	fmt.Fprintf(w, "api=%s\n", apiURL)
	if faceidURL != "" {
		fmt.Fprintf(w, "faceid=%s\nsecret_id=%s\nsecret_key=%s\n", faceidURL, faceidsim.SecretID, faceidsim.SecretKey)
	}
	const example = `{"IdCard":"11204416541220243X","Name":"Wei Xiaobao","Phone":"16137688175"}`
	fmt.Fprintf(w, "\ncurl %s -H 'Content-Type: application/json' -d '%s'\n", apiURL, example)
}

// group is servers that are stopped together. The zero value has none.
type group struct {
	servers []*http.Server
	failed  chan error
}

// start listens on addr, serves there, and returns the URL.
func (g *group) start(addr string, h http.Handler, log *slog.Logger) (string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if g.failed == nil {
		g.failed = make(chan error, 2)
	}
	g.servers = append(g.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			g.failed <- err
		}
	}()
	return "http://" + strings.Replace(listener.Addr().String(), "[::]", "localhost", 1), nil
}

// stop lets what is being served end, the last server started first.
func (g *group) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), httpapi.MaxDuration+time.Second)
	defer cancel()
	for i := len(g.servers) - 1; i >= 0; i-- {
		if g.servers[i].Shutdown(ctx) != nil {
			g.servers[i].Close()
		}
	}
}
