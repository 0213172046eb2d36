package msapi

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
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

// isNetwork is true when nothing of an answer came.
func isNetwork(err error) bool {
	_, isNet := errors.AsType[net.Error](err)
	return isNet || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded)
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
	return "the connection failed"
}
