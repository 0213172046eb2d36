package report

import (
	"html"
	"regexp"
	"strings"
)

// The renderer knows the small Markdown that phrase is written in, and nothing else:
// headings, paragraphs, ordered and bullet lists with blocks inside, check boxes, tables,
// fenced code, quotes, `<!-- page -->`; within a line code, **strong**, *emphasis* and
// backslash escapes. Raw HTML is text. A test renders every construct that the texts use.

// renderMarkdown is the text as HTML elements.
func renderMarkdown(text string) string {
	var b strings.Builder
	renderBlocks(&b, strings.Split(text, "\n"))
	return b.String()
}

var (
	headingLine  = regexp.MustCompile(`^(#{1,3}) (.*)$`)
	orderedLine  = regexp.MustCompile(`^(\d+)\. +`)
	bulletLine   = regexp.MustCompile(`^- (\[ \] )?`)
	tableRule    = regexp.MustCompile(`^\|(-+\|)+$`)
	emptyHeading = regexp.MustCompile(`^\|( *\|)+$`)
)

func renderBlocks(b *strings.Builder, lines []string) {
	for i := 0; i < len(lines); {
		line := lines[i]
		switch {
		case strings.TrimSpace(line) == "":
			i++
		case strings.HasPrefix(line, "```"):
			i = renderCode(b, lines, i)
		case headingLine.MatchString(line):
			m := headingLine.FindStringSubmatch(line)
			level := string(rune('0' + len(m[1])))
			b.WriteString("<h" + level + ">" + renderInline(m[2]) + "</h" + level + ">\n")
			i++
		case line == "<!-- page -->":
			b.WriteString("<div class=\"page\"></div>\n")
			i++
		case strings.HasPrefix(line, "|"):
			i = renderTable(b, lines, i)
		case strings.HasPrefix(line, ">"):
			i = renderQuote(b, lines, i)
		case orderedLine.MatchString(line):
			i = renderList(b, lines, i, orderedLine, "ol")
		case bulletLine.MatchString(line):
			i = renderList(b, lines, i, bulletLine, "ul")
		default:
			i = renderParagraph(b, lines, i)
		}
	}
}

func renderCode(b *strings.Builder, lines []string, i int) int {
	b.WriteString("<pre><code>")
	for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
		b.WriteString("<span>" + html.EscapeString(lines[i]) + "\n</span>") // each line its own: what does not fit hangs
	}
	b.WriteString("</code></pre>\n")
	return i + 1
}

func renderQuote(b *strings.Builder, lines []string, i int) int {
	var inner []string
	for ; i < len(lines) && strings.HasPrefix(lines[i], ">"); i++ {
		inner = append(inner, strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " "))
	}
	b.WriteString("<blockquote>\n")
	renderBlocks(b, inner)
	b.WriteString("</blockquote>\n")
	return i
}

// renderList takes the items of one list; lines that belong to an item are indented.
func renderList(b *strings.Builder, lines []string, i int, mark *regexp.Regexp, tag string) int {
	b.WriteString("<" + tag + ">\n")
	for i < len(lines) && mark.MatchString(lines[i]) {
		first := mark.FindString(lines[i])
		inner := []string{lines[i][len(first):]}
		for i++; i < len(lines); i++ {
			if strings.TrimSpace(lines[i]) != "" && !strings.HasPrefix(lines[i], "  ") {
				break
			}
			inner = append(inner, dedent(lines[i], tag))
		}
		class := ""
		if strings.Contains(first, "[ ]") {
			class = ` class="box"`
		}
		b.WriteString("<li" + class + ">")
		renderBlocks(b, inner)
		b.WriteString("</li>\n")
	}
	b.WriteString("</" + tag + ">\n")
	return i
}

func dedent(line, tag string) string {
	width := 2
	if tag == "ol" {
		width = 3
	}
	for range width {
		line = strings.TrimPrefix(line, " ")
	}
	return line
}

// renderTable takes a table; one whose heading is empty has none, and its first column is
// the heading of each row.
func renderTable(b *strings.Builder, lines []string, i int) int {
	plain := emptyHeading.MatchString(lines[i])
	class := ""
	if plain {
		class = ` class="facts"`
	}
	b.WriteString("<table" + class + ">\n")
	for n := 0; i < len(lines) && strings.HasPrefix(lines[i], "|"); i++ {
		if tableRule.MatchString(lines[i]) {
			continue
		}
		n++
		if plain && n == 1 {
			continue
		}
		b.WriteString("<tr>")
		for column, cell := range cells(lines[i]) {
			tag := "td"
			if !plain && n == 1 || plain && column == 0 {
				tag = "th"
			}
			b.WriteString("<" + tag + ">" + renderInline(cell) + "</" + tag + ">")
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString("</table>\n")
	return i
}

// cells splits a row at the bars that are not escaped.
func cells(row string) []string {
	row = strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|")
	var all []string
	start := 0
	for i := 0; i < len(row); i++ {
		switch row[i] {
		case '\\':
			i++
		case '|':
			all = append(all, strings.TrimSpace(row[start:i]))
			start = i + 1
		}
	}
	return append(all, strings.TrimSpace(row[start:]))
}

// starts says whether a line begins a block of its own, and so ends a paragraph.
func starts(line string) bool {
	return strings.TrimSpace(line) == "" || strings.HasPrefix(line, "```") || strings.HasPrefix(line, "|") || strings.HasPrefix(line, ">") ||
		headingLine.MatchString(line) || orderedLine.MatchString(line) || bulletLine.MatchString(line)
}

func renderParagraph(b *strings.Builder, lines []string, i int) int {
	text := []string{lines[i]}
	for i++; i < len(lines) && !starts(lines[i]); i++ {
		text = append(text, strings.TrimSpace(lines[i]))
	}
	b.WriteString("<p>" + renderInline(strings.Join(text, " ")) + "</p>\n")
	return i
}

// renderInline is one line's marks. A mark without its end is text.
func renderInline(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		rest := s[i:]
		if tag, inner, n := inlineMark(rest); n > 0 {
			if tag == "code" {
				b.WriteString("<code>" + breakable(html.EscapeString(inner)) + "</code>")
			} else {
				b.WriteString("<" + tag + ">" + renderInline(inner) + "</" + tag + ">")
			}
			i += n
			continue
		}
		switch {
		case strings.HasPrefix(rest, blank):
			b.WriteString(`<span class="blank"></span>`)
			i += len(blank)
		case rest[0] == '\\' && len(rest) > 1:
			b.WriteString(html.EscapeString(rest[1:2]))
			i += 2
		default:
			b.WriteString(html.EscapeString(rest[:1]))
			i++
		}
	}
	return b.String()
}

// inlineMark finds a marked stretch at the beginning of s: its element, what is inside, and
// how many bytes it takes; 0 when there is none.
func inlineMark(s string) (tag, inner string, n int) {
	for _, m := range []struct{ mark, tag string }{{"`", "code"}, {"**", "strong"}, {"*", "em"}} {
		if !strings.HasPrefix(s, m.mark) {
			continue
		}
		if end := markEnd(s[len(m.mark):], m.mark); end > 0 && s[len(m.mark)] != ' ' {
			return m.tag, s[len(m.mark) : len(m.mark)+end], end + 2*len(m.mark)
		}
	}
	return "", "", 0
}

// markEnd is where a mark ends; within code nothing is escaped.
func markEnd(s, mark string) int {
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && mark != "`" {
			i++
			continue
		}
		if strings.HasPrefix(s[i:], mark) {
			return i
		}
	}
	return -1
}

// breakable lets a long path break after its slashes, so that paper can hold it.
func breakable(escaped string) string { return strings.ReplaceAll(escaped, "/", "/<wbr>") }
