package config

import (
	"slices"
	"strings"
)

// suggest says what an unknown key may have been meant to be.
func suggest(key string, s shape) string {
	if key == "<<" {
		return "merge keys are not followed: write the keys out"
	}
	if foreseen, ok := inexpressible[key]; ok && s.has("need") || ok && s.has("sheets") {
		return foreseen
	}
	if s.names() == nil {
		return "it needs " + need(s)
	}
	if n := nearest(key, s.names()); n != "" {
		return strings.TrimPrefix(n, "; ")
	}
	return "the keys here are " + strings.Join(s.names(), ", ")
}

func (s shape) has(key string) bool { _, ok := s.field(key); return ok }

// inexpressible are keys that people write into a quorum, and why there is none.
var inexpressible = map[string]string{
	"weight":  "SLIP-0039 has no weights: give the person a second sheet in a location of its own, or raise need",
	"weights": "SLIP-0039 has no weights: give the person a second sheet in a location of its own, or raise need",
	"any":     "write locations (how many must be opened) and, in each of them, need (how many of its sheets)",
}

// nearest is "; did you mean X?" for the closest of the known words, empty when none is close.
func nearest(word string, known []string) string {
	if best := closest(word, known); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

func closest(word string, known []string) string {
	best, distance := "", 1+max(1, len(word)/3)
	for _, k := range known {
		if d := edits(plain(word), plain(k)); d < distance {
			best, distance = k, d
		}
	}
	return best
}

// plain forgets how words are joined: userPrincipalName is user_principal_name.
func plain(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// edits counts the letters to put in, leave out, change or swap with their neighbour.
func edits(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 {
		return max(len(s), len(t))
	}
	var before []int
	last := make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row := make([]int, len(t)+1)
		row[0] = i
		for j := 1; j <= len(t); j++ {
			change := last[j-1]
			if s[i-1] != t[j-1] {
				change++
			}
			row[j] = slices.Min([]int{last[j] + 1, row[j-1] + 1, change})
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(t)]
}
