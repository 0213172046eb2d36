package report

import (
	"strings"
	"testing"
)

func TestTheSmallMarkdown(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"heading":            {"## A *b*", "<h2>A <em>b</em></h2>\n"},
		"paragraph":          {"a\nb\n\nc", "<p>a b</p>\n<p>c</p>\n"},
		"strong and code":    {"**a `b*` c**", "<p><strong>a <code>b*</code> c</strong></p>\n"},
		"escapes":            {`\*a\* \<b\> \\`, "<p>*a* &lt;b&gt; \\</p>\n"},
		"no end":             {"a * b ** `c", "<p>a * b ** `c</p>\n"},
		"raw HTML":           {"<b>&", "<p>&lt;b&gt;&amp;</p>\n"},
		"a bullet list":      {"- a\n  b\n- c", "<ul>\n<li><p>a b</p>\n</li>\n<li><p>c</p>\n</li>\n</ul>\n"},
		"check boxes":        {"- [ ] a", "<ul>\n<li class=\"box\"><p>a</p>\n</li>\n</ul>\n"},
		"an ordered list":    {"1. a\n\n   ```\n   x <y\n   ```\n\n2. b", "<ol>\n<li><p>a</p>\n<pre><code><span>x &lt;y\n</span></code></pre>\n</li>\n<li><p>b</p>\n</li>\n</ol>\n"},
		"a list in a list":   {"1. a\n   - b", "<ol>\n<li><p>a</p>\n<ul>\n<li><p>b</p>\n</li>\n</ul>\n</li>\n</ol>\n"},
		"a table":            {"| a | b |\n|---|---|\n| c \\| d | |", "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>c | d</td><td></td></tr>\n</table>\n"},
		"a table of facts":   {"| | |\n|---|---|\n| a | b |", "<table class=\"facts\">\n<tr><th>a</th><td>b</td></tr>\n</table>\n"},
		"a quote":            {"> a\n> b\nc", "<blockquote>\n<p>a b</p>\n</blockquote>\n<p>c</p>\n"},
		"a new page":         {"a\n\n<!-- page -->\n\nb", "<p>a</p>\n<div class=\"page\"></div>\n<p>b</p>\n"},
		"a line to write on": {"a " + blank, "<p>a <span class=\"blank\"></span></p>\n"},
		"a path breaks":      {"`a/b`", "<p><code>a/<wbr>b</code></p>\n"},
		"a fence left open":  {"```\na", "<pre><code><span>a\n</span></code></pre>\n"},
		"characters":         {"ä — 漢", "<p>ä — 漢</p>\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := renderMarkdown(c.in); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func FuzzRenderMarkdown(f *testing.F) {
	f.Add("# a\n1. b\n   ```\n")
	f.Add("| a | **b\n|---|")
	f.Add("> - [ ] *x* \\")
	f.Fuzz(func(t *testing.T, text string) {
		out := renderMarkdown(text)
		if strings.Contains(out, "<script") || strings.Contains(out, "<img") {
			t.Fatal("text became an element")
		}
		wellFormed(t, "<body>"+out+"</body>")
	})
}
