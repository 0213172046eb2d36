package contract

import (
	"testing"

	"breakglass/internal/simtenant"
)

// SimRecorder is Recorder for a simulated tenant: hand it to simtenant.Options.Record.
// Requests are always checked; an answer that a fault has spoilt is not.
func SimRecorder(t testing.TB, c *Contracts) func(simtenant.Exchange) {
	t.Helper()
	record := Recorder(t, c)
	return func(x simtenant.Exchange) { record(FromSim(x)) }
}

// FromSim is a simulated tenant's exchange in this package's terms.
func FromSim(x simtenant.Exchange) Exchange {
	e := Exchange{
		Method: x.Method, URL: x.URL, RequestHeader: x.RequestHeader, RequestBody: x.RequestBody,
		Status: x.Status, ResponseHeader: x.Header, ResponseBody: x.Body,
	}
	if x.Fault != "" {
		e.Status, e.ResponseHeader, e.ResponseBody = 0, nil, nil
	}
	return e
}
