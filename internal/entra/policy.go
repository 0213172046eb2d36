package entra

import "encoding/json"

// DecodePolicy makes one Policy from its JSON in v1.0 and in beta; either may be nil.
func DecodePolicy(v1, beta []byte) (Policy, error) {
	var p Policy
	src := v1
	if src == nil {
		src = beta
	}
	err := json.Unmarshal(src, &p)
	return p, err
}
