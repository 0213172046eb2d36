package login

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"breakglass/internal/simtenant/state"
)

// A deviceRule is a parsed filter for devices: comparisons of device properties joined by
// -and, -or, -not and parentheses (page "Conditional Access: Filter for devices").
type deviceRule func(device state.Object) bool

func (r deviceRule) matches(device state.Object) bool { return r(device) }

// maxRule is the length that Entra takes, in characters.
const maxRule = 3072

var deviceProperties = []string{
	"deviceid", "displayname", "deviceownership", "enrollmentprofilename", "iscompliant", "manufacturer", "mdmappid", "model",
	"operatingsystem", "operatingsystemversion", "physicalids", "profiletype", "systemlabels", "trusttype",
}

// parseDeviceFilter reads a rule. An error means that this simulator cannot tell what the
// rule means, not that Entra would refuse it.
func parseDeviceFilter(rule string) (deviceRule, error) {
	if len(rule) > maxRule {
		return nil, errors.New("rule is too long")
	}
	words, err := filterWords(rule)
	if err != nil {
		return nil, err
	}
	p := &filterParser{words: words}
	out, err := p.or()
	if err != nil {
		return nil, err
	}
	if len(p.words) > 0 {
		return nil, fmt.Errorf("unexpected %q", p.words[0].text)
	}
	return out, nil
}

// word is one piece of a rule; quoted tells a text from an operator of the same letters.
type word struct {
	text   string
	quoted bool
}

// filterWords cuts a rule into words.
func filterWords(rule string) ([]word, error) {
	var out []word
	for rule = strings.TrimLeft(rule, " \t\r\n"); rule != ""; rule = strings.TrimLeft(rule, " \t\r\n") {
		switch c := rule[0]; {
		case strings.IndexByte("()[],", c) >= 0:
			out, rule = append(out, word{text: rule[:1]}), rule[1:]
		case c == '"' || c == '\'':
			end := strings.IndexByte(rule[1:], c)
			if end < 0 {
				return nil, errors.New("text without an end")
			}
			out, rule = append(out, word{rule[1 : 1+end], true}), rule[2+end:]
		default:
			end := strings.IndexAny(rule, "()[],\"' \t\r\n")
			if end < 0 {
				end = len(rule)
			}
			out, rule = append(out, word{text: rule[:end]}), rule[end:]
		}
	}
	return out, nil
}

type filterParser struct{ words []word }

// takes removes the next word when it is one of the given, dash or not, in any case.
func (p *filterParser) takes(names ...string) bool {
	if len(p.words) == 0 || p.words[0].quoted {
		return false
	}
	if !slices.Contains(names, strings.TrimPrefix(strings.ToLower(p.words[0].text), "-")) {
		return false
	}
	p.words = p.words[1:]
	return true
}

func (p *filterParser) or() (deviceRule, error) {
	return p.joined("or", p.and, func(a, b deviceRule) deviceRule {
		return func(d state.Object) bool { return a(d) || b(d) }
	})
}

func (p *filterParser) and() (deviceRule, error) {
	return p.joined("and", p.unary, func(a, b deviceRule) deviceRule {
		return func(d state.Object) bool { return a(d) && b(d) }
	})
}

func (p *filterParser) joined(name string, part func() (deviceRule, error), join func(a, b deviceRule) deviceRule) (deviceRule, error) {
	out, err := part()
	for err == nil && p.takes(name) {
		var next deviceRule
		if next, err = part(); err == nil {
			out = join(out, next)
		}
	}
	return out, err
}

func (p *filterParser) unary() (deviceRule, error) {
	if p.takes("not") {
		inner, err := p.unary()
		if err != nil {
			return nil, err
		}
		return func(d state.Object) bool { return !inner(d) }, nil
	}
	if !p.takes("(") {
		return p.comparison()
	}
	inner, err := p.or()
	if err == nil && !p.takes(")") {
		err = errors.New("parenthesis without an end")
	}
	return inner, err
}

// comparison is device.property -operator value.
func (p *filterParser) comparison() (deviceRule, error) {
	if len(p.words) < 3 || p.words[0].quoted || p.words[1].quoted {
		return nil, errors.New("not a comparison of a device property")
	}
	scope, name, _ := strings.Cut(strings.ToLower(p.words[0].text), ".")
	extension := strings.HasPrefix(name, "extensionattribute")
	if scope != "device" || !extension && !slices.Contains(deviceProperties, name) {
		return nil, fmt.Errorf("no such property: %q", p.words[0].text)
	}
	op := strings.TrimPrefix(strings.ToLower(p.words[1].text), "-")
	p.words = p.words[2:]
	values, err := p.values()
	if err != nil {
		return nil, err
	}
	negative := false
	switch op {
	case "ne":
		op, negative = "eq", true
	case "notstartswith", "notendswith", "notcontains", "notin":
		op, negative = strings.TrimPrefix(op, "not"), true
	}
	test, ok := filterTests[op]
	if !ok || len(values) != 1 && op != "in" {
		return nil, fmt.Errorf("no such operator: %q", op)
	}
	// A device that Entra does not know has no properties: positive operators do not
	// match it, negative ones do (same page, "Policy behavior with filter for devices").
	return func(d state.Object) bool {
		hit := slices.ContainsFunc(deviceValues(d, name), func(have string) bool {
			return slices.ContainsFunc(values, func(want string) bool { return test(have, want) })
		})
		return hit != negative
	}, nil
}

var filterTests = map[string]func(have, want string) bool{
	"eq":         func(have, want string) bool { return have == want },
	"in":         func(have, want string) bool { return have == want },
	"startswith": strings.HasPrefix,
	"endswith":   strings.HasSuffix,
	"contains":   strings.Contains,
}

// values is one value, or a list in brackets, lower case.
func (p *filterParser) values() ([]string, error) {
	if !p.takes("[") {
		return p.value()
	}
	var out []string
	for {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		out = append(out, v...)
		if p.takes("]") {
			return out, nil
		}
		if !p.takes(",") {
			return nil, errors.New("list without an end")
		}
	}
}

func (p *filterParser) value() ([]string, error) {
	if len(p.words) == 0 || !p.words[0].quoted && !isPlain(p.words[0].text) {
		return nil, errors.New("value expected")
	}
	v := strings.ToLower(p.words[0].text)
	p.words = p.words[1:]
	return []string{v}, nil
}

// isPlain is true for the values that need no quotes.
func isPlain(text string) bool {
	t := strings.ToLower(text)
	return t == "true" || t == "false" || t != "" && strings.Trim(t, "0123456789") == ""
}

// deviceValues is a property's values, lower case; none when it is absent.
func deviceValues(d state.Object, name string) []string {
	if strings.HasPrefix(name, "extensionattribute") {
		d = d.Object("extensionAttributes")
	}
	for key := range d {
		if strings.ToLower(key) != name {
			continue
		}
		if b, ok := d[key].(bool); ok {
			return []string{fmt.Sprint(b)}
		}
		if l := list(d, key); len(l) > 0 {
			return l
		}
		if s := d.String(key); s != "" {
			return []string{strings.ToLower(s)}
		}
	}
	return nil
}
