package msapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Bounds on one attempt. An answer of Graph is some megabytes at most.
const (
	attemptTimeout = 100 * time.Second
	maxBody        = 32 << 20
)

// httpClient sends over TLS 1.2 or later, trusts the given authorities, follows no redirect.
func httpClient(rt http.RoundTripper, roots *x509.CertPool) *http.Client {
	if rt == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		t.ResponseHeaderTimeout = attemptTimeout
		t.MaxIdleConnsPerHost = 8
		rt = t
	}
	return &http.Client{Transport: rt, CheckRedirect: refuseRedirects, Timeout: attemptTimeout}
}

// A witness sends the requests for tokens and remembers what happened to the last one.
type witness struct {
	*http.Client

	mu  sync.Mutex
	err error
}

// Do is what azcore asks of a transport.
func (w *witness) Do(r *http.Request) (*http.Response, error) {
	res, err := w.Client.Do(r)
	w.mu.Lock()
	w.err = err
	w.mu.Unlock()
	return res, err
}

func (w *witness) last() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// readBody reads a whole answer, up to maxBody.
func readBody(res *http.Response) ([]byte, error) {
	defer res.Body.Close()
	data, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBody {
		return nil, errTooLarge
	}
	return data, nil
}

var errTooLarge = errors.New("the answer is larger than 32 MiB")

// drain is what is left of an answer's body, bounded, errors ignored.
func drain(res *http.Response) []byte {
	data, _ := readBody(res)
	return data
}

// untrusted is true for a certificate that will not be trusted on a second look either.
func untrusted(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// networkText says what broke, without the URL that Go puts into its errors.
func networkText(err error) string {
	if untrusted(err) {
		return "the host's certificate is not trusted; another one may be in between, or --ca is missing"
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return "no such host: " + d.Name
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was cut in mid-answer"
	case errors.Is(err, context.Canceled):
		return "interrupted"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Op == "dial" {
			return "cannot connect: " + shorten(op.Err.Error())
		}
		return "the connection broke: " + shorten(op.Err.Error())
	}
	if u, ok := errors.AsType[net.Error](err); ok && u.Timeout() {
		return "no answer in time"
	}
	if _, ok := errors.AsType[streamError](err); ok {
		return "the connection was cut in mid-answer"
	}
	return "the connection failed"
}

// streamError is what net/http's own error of a broken HTTP/2 stream turns into when asked
// (its As method); it exports no type for it.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "stream error" }
