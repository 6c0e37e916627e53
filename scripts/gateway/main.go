// Gateway stands before functions/local as a cloud's gateway does: it speaks TLS, and if
// AWS_ACCESS_KEY_ID is set it lets in those alone who sign as AWS's own signer would.
// scripts/clients runs it.
//
//	gateway URL FILE    carries to URL, writes its certificate to FILE, prints its address
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: gateway URL FILE")
	}
	to, err := url.Parse(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := authorize(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(os.Args[2], certificate, 0o600); err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Listener.Addr())
	select {}
}

// authorization is that of SigV4: the key's id, region, service, signed headers, signature.
var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(.+)$`)

// authorize signs the request once more, and compares.
func authorize(r *http.Request) error {
	keys := aws.Credentials{
		AccessKeyID:     os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken:    os.Getenv("AWS_SESSION_TOKEN"),
	}
	if keys.AccessKeyID == "" {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	theirs := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if theirs == nil || err != nil || r.Header.Get("X-Amz-Security-Token") != keys.SessionToken {
		return fmt.Errorf("the request is not signed: %q, %v", r.Header, err)
	}
	ours := &http.Request{Method: r.Method, Host: r.Host, URL: r.URL, Header: http.Header{}}
	for name := range strings.SplitSeq(theirs[4], ";") {
		if name != "host" {
			ours.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	hash := fmt.Sprintf("%x", sha256.Sum256(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), keys, ours, hash, theirs[3], theirs[2], at); err != nil {
		return err
	}
	if got := authorization.FindStringSubmatch(ours.Header.Get("Authorization")); got == nil || got[5] != theirs[5] || got[1] != theirs[1] {
		return fmt.Errorf("AWS's signer has %s, not %s", ours.Header.Get("Authorization"), r.Header.Get("Authorization"))
	}
	return nil
}
