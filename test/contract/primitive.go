package contract

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	guidForm     = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	durationForm = regexp.MustCompile(`^-?P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$`)
	timeForm     = regexp.MustCompile(`^\d{2}:\d{2}(:\d{2}(\.\d{1,12})?)?$`)
)

func isGUID(s string) bool { return guidForm.MatchString(s) }

func isDuration(s string) bool {
	return durationForm.MatchString(s) && s != "P" && !strings.HasSuffix(s, "T")
}

// isInstant: OData's DateTimeOffset is RFC 3339 with up to twelve fractional digits.
func isInstant(s string) bool {
	_, err := time.Parse(time.RFC3339Nano, s)
	return err == nil
}

// isBase64 takes both alphabets, padded or not, as OData does.
func isBase64(s string) bool {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(s), "=")
	_, err := base64.RawStdEncoding.DecodeString(s)
	return err == nil
}

// fitsPrimitive says whether a JSON value can be an OData primitive, and what would be right.
func fitsPrimitive(typ string, v any) (want string, ok bool) {
	switch typ {
	case "Any", "Edm.Untyped":
		return "", true
	case "Edm.Boolean":
		_, ok = v.(bool)
		return "true or false", ok
	case "Edm.Int16", "Edm.Int32", "Edm.Int64", "Edm.Byte":
		return "a whole number in range", isInteger(v, typ)
	case "Edm.Double", "Edm.Single", "Edm.Decimal", "Edm.Number":
		n, isNumber := v.(json.Number)
		if s, isText := v.(string); isText {
			return "a number", s == "INF" || s == "-INF" || s == "NaN"
		}
		_, err := strconv.ParseFloat(string(n), 64)
		return "a number", isNumber && err == nil
	}
	s, isText := v.(string)
	if !isText {
		return "a string", false
	}
	return fitsText(typ, s)
}

// fitsText judges the primitives that JSON writes as strings.
func fitsText(typ, s string) (want string, ok bool) {
	switch typ {
	case "Edm.Guid":
		return "a GUID", isGUID(s)
	case "Edm.DateTimeOffset":
		return "an RFC 3339 instant", isInstant(s)
	case "Edm.Date":
		_, err := time.Parse(time.DateOnly, s)
		return "a date", err == nil
	case "Edm.TimeOfDay":
		return "a time of day", timeForm.MatchString(s)
	case "Edm.Duration":
		return "an ISO 8601 duration", isDuration(s)
	case "Edm.Binary", "Edm.Stream":
		return "base64", isBase64(s)
	}
	return "a string", true
}

func isInteger(v any, typ string) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	bits := map[string]int{"Edm.Byte": 8, "Edm.Int16": 16, "Edm.Int32": 32, "Edm.Int64": 64}[typ]
	if typ == "Edm.Byte" {
		_, err := strconv.ParseUint(string(n), 10, bits)
		return err == nil
	}
	_, err := strconv.ParseInt(string(n), 10, bits)
	return err == nil
}
