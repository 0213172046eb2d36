package entra

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// A mask replaces names and ids by others, the same by the same, under a key that nobody keeps.
type mask struct {
	key []byte
	// keep are ids that are the same in every tenant; made are ids that the mask gave out.
	keep, made map[string]bool
	// known are whole values that were replaced, for places where they stand inside a text.
	known map[string]string
}

func newMask() *mask {
	m := &mask{key: make([]byte, 32), keep: map[string]bool{}, made: map[string]bool{}, known: map[string]string{}}
	_, _ = rand.Read(m.key) // never fails (crypto/rand)
	for _, id := range slices.Concat(WatchedRoles(), publicIDs) {
		m.keep[id] = true
	}
	return m
}

// publicIDs are ids of Microsoft's that are the same in every tenant: applications, methods,
// the licences. What begins with eight zeros, or ends as first-party applications do, is
// recognised by its form.
var publicIDs = []string{
	planP1, planP2,
	"28c10230-6103-485e-b985-444c60001490", // the password method
	"797f4846-ba00-4fd7-ba43-dac1f8f63013", // Windows Azure Service Management API
	"c44b4083-3bb0-49c1-b47d-974e53cbdf3c", // Azure portal
	"14d82eec-204b-4c2f-b7e8-296a70dab67e", // Microsoft Graph PowerShell
	"04b07795-8ddb-461a-bbee-02f9e1bf7b46", // Azure CLI
	"1950a258-227b-4e31-a9cf-717495945fc2", // Azure PowerShell
	"de8bc8b5-d9f9-48b1-a8ad-b748da725064", // Graph Explorer
	"0c1307d4-29d6-4389-a11c-5cbe7f65d7fa", // Azure mobile app
	"ca7f3f0b-7d91-482c-8e09-c5d840d0eac5", // Log Analytics API
}

func (m *mask) sum(kind, value string) []byte {
	h := hmac.New(sha256.New, m.key)
	_, _ = h.Write([]byte(kind + "\x00" + strings.ToLower(value)))
	return h.Sum(nil)
}

var (
	guid  = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	email = regexp.MustCompile(`[A-Za-z0-9'._!#^~+%-]+(?:@|%40)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+`)
)

// id replaces a GUID, unless it is a public one.
func (m *mask) id(s string) string {
	low := strings.ToLower(s)
	if m.keep[low] || m.made[low] || strings.HasPrefix(low, "00000000-") || strings.HasSuffix(low, "-0000-c000-000000000000") {
		return s
	}
	h := m.sum("id", low)
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	x := hex.EncodeToString(h[:16])
	out := fmt.Sprintf("%s-%s-%s-%s-%s", x[:8], x[8:12], x[12:16], x[16:20], x[20:32])
	m.made[out] = true
	return out
}

// opaque replaces an id that is no GUID; a GUID goes the way of GUIDs.
func (m *mask) opaque(s string) string {
	switch {
	case s == "":
		return ""
	case guid.FindString(s) == s:
		return m.id(s)
	case strings.HasPrefix(s, maskedOpaque):
		return s
	}
	return maskedOpaque + base64.RawURLEncoding.EncodeToString(m.sum("opaque", s)[:12])
}

const maskedOpaque = "x-"

// purpose are words that say what an account is for. They stay, because a check looks for
// them, and they are nobody's name.
var purpose = []string{
	"breakglass", "breaktheglass", "glassbreak", "emergency", "emergencia", "notfall", "urgence", "noodtoegang", "firecall",
	"globaladmin", "tenantadmin", "break", "glass", "the", "microsoft", "managed", "admin", "global", "tenant", "ext",
}

// name replaces the words and digits of a name and keeps its form: "Jane Doe" and "jane.doe"
// stay alike.
func (m *mask) name(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	for _, run := range runs(s) {
		switch r := []rune(run)[0]; {
		case unicode.IsLetter(r):
			b.WriteString(m.word(run))
		case unicode.IsDigit(r):
			for i, d := range m.sum("digits", run)[:min(len(run), 32)] {
				b.WriteByte('0' + (d+byte(i))%10)
			}
		default:
			b.WriteString(run)
		}
	}
	m.learn(s, b.String())
	return b.String()
}

// runs cuts a text where letters, digits and others meet.
func runs(s string) []string {
	class := func(r rune) int {
		switch {
		case unicode.IsLetter(r):
			return 1
		case unicode.IsDigit(r):
			return 2
		}
		return 3
	}
	var out []string
	start, last := 0, 0
	for i, r := range s {
		if c := class(r); c != last {
			if i > start {
				out = append(out, s[start:i])
			}
			start, last = i, c
		}
	}
	return append(out, s[start:])
}

// word is an invented word in the letter case of the original.
func (m *mask) word(s string) string {
	low := strings.ToLower(s)
	for _, p := range purpose {
		if low == p || len(p) >= 7 && strings.Contains(low, p) {
			if low == p {
				return s
			}
			return p
		}
	}
	const consonants, vowels = "bdfgklmnprstvz", "aeiou"
	h := m.sum("word", low)
	out := make([]byte, 0, 8)
	for i := range 3 + int(h[31]%2) {
		out = append(out, consonants[int(h[2*i])%len(consonants)], vowels[int(h[2*i+1])%len(vowels)])
	}
	first, _ := firstRune(s)
	switch {
	case len(s) > 1 && s == strings.ToUpper(s):
		return strings.ToUpper(string(out))
	case unicode.IsUpper(first):
		return strings.ToUpper(string(out[:1])) + string(out[1:])
	}
	return string(out)
}

func firstRune(s string) (rune, bool) {
	for _, r := range s {
		return r, true
	}
	return 0, false
}

// suffixes are Microsoft's own domains, which say nothing of a tenant but its cloud.
var suffixes = []string{".mail.onmicrosoft.com", ".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn", ".onmicrosoft.cn"}

// domain replaces a domain name: Microsoft's own suffix stays, every other ends in .example.
func (m *mask) domain(s string) string {
	low := strings.ToLower(s)
	if low == "" || strings.HasSuffix(low, ".example") && m.made[low] {
		return s
	}
	rest, end := low, ".example"
	for _, suffix := range suffixes {
		if strings.HasSuffix(low, suffix) {
			rest, end = strings.TrimSuffix(low, suffix), suffix
			break
		}
	}
	if end == ".example" {
		if i := strings.LastIndexByte(rest, '.'); i > 0 {
			rest = rest[:i]
		}
	}
	labels := strings.Split(rest, ".")
	for i, l := range labels {
		labels[i] = m.word(l)
	}
	out := strings.Join(labels, ".") + end
	m.made[out] = true
	m.learn(s, out)
	return out
}

// address replaces a user principal name or a mail address.
func (m *mask) address(s string) string {
	local, host, ok := strings.Cut(s, "@")
	if !ok {
		return m.name(s)
	}
	out := m.name(local) + "@" + m.domain(host)
	m.learn(s, out)
	m.made[strings.ToLower(out)] = true
	return out
}

// network replaces an address or range: the length of the prefix stays, the address becomes
// one that is reserved for documents and tests.
func (m *mask) network(s string) string {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return m.name(s)
	}
	h := m.sum("net", p.Addr().String())
	addr := netip.AddrFrom4([4]byte{198, 18 | h[0]&1, h[1], h[2]})
	if p.Addr().Is6() {
		addr = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7]})
	}
	return netip.PrefixFrom(addr, p.Bits()).Masked().String()
}

// pathWords stand in request paths; a thing of that name is not looked for inside texts.
var pathWords = []string{"users", "groups", "policies", "domains", "organization", "members", "directory", "identity", "methods", "read", "select", "filter"}

// learn remembers a whole value, so that it is found inside texts too.
func (m *mask) learn(from, to string) {
	if len(from) >= 4 && from != to && !slices.Contains(pathWords, strings.ToLower(from)) {
		m.known[from] = to
	}
}

// text replaces what is known, or looks like an id or an address, inside a text.
func (m *mask) text(s string) string {
	s = guid.ReplaceAllStringFunc(s, m.id)
	s = email.ReplaceAllStringFunc(s, func(a string) string {
		if plain := strings.Replace(a, "%40", "@", 1); !m.made[strings.ToLower(plain)] {
			return m.address(plain)
		}
		return a
	})
	for _, from := range m.longestFirst() {
		s = replaceWord(s, from, m.known[from])
	}
	return s
}

func (m *mask) longestFirst() []string {
	all := make([]string, 0, len(m.known))
	for k := range m.known {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b string) int {
		if d := len(b) - len(a); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	return all
}

// replaceWord replaces a value where it stands alone, in any letter case.
func replaceWord(s, from, to string) string {
	if !strings.Contains(strings.ToLower(s), strings.ToLower(from)) {
		return s
	}
	re := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + regexp.QuoteMeta(from) + `($|[^\pL\pN])`)
	return re.ReplaceAllString(s, "${1}"+strings.ReplaceAll(to, "$", "$$")+"${2}")
}
