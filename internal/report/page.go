package report

import (
	_ "embed"
	"html"
	"io"
	"strings"

	"breakglass/internal/phrase"
)

//go:embed page.css
var pageCSS string

// writePage writes a text as one HTML page that needs nothing from outside. Its title is the
// first heading.
func writePage(w io.Writer, l phrase.Language, text string) error {
	first, _, _ := strings.Cut(text, "\n")
	title := strings.TrimPrefix(first, "# ")
	title = strings.ReplaceAll(title, `\`, "")
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\n<html lang=\"" + html.EscapeString(string(l)) + "\">\n<head>\n<meta charset=\"utf-8\">\n")
	b.WriteString("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
	b.WriteString("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n")
	b.WriteString("<title>" + html.EscapeString(title) + "</title>\n<style>\n" + pageCSS + "</style>\n</head>\n<body>\n<main>\n")
	b.WriteString(renderMarkdown(text))
	b.WriteString("</main>\n</body>\n</html>\n")
	_, err := io.WriteString(w, b.String())
	return err
}
