package report

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// browser is a real one, without network and with a profile of its own.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium: pages are looked at where there is one")
	}
	ctx, cancel := chromedp.NewContext(context.Background(),
		chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir())))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// The runbook on paper (A4 and Letter, black and white, numbered pages), on a dark screen,
// and at 200 % zoom on a small one.
func TestARealBrowserShowsAndPrintsTheRunbook(t *testing.T) {
	_, text := write(t, Runbook{Desired: goodPlan(t), People: team()})
	file := filepath.Join(t.TempDir(), "runbook.html")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := browser(t)
	address := (&url.URL{Scheme: "file", Path: file}).String()
	overflow, background := false, ""
	see := func(media string) {
		t.Helper()
		style := emulation.SetEmulatedMediaParams{Media: media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}
		if _, err := send(ctx, emulation.SetEmulatedMedia, style); err != nil {
			t.Fatal(err)
		}
		overflow = evaluate[bool](ctx, t, `document.documentElement.scrollWidth > document.documentElement.clientWidth`)
		background = evaluate[string](ctx, t, `getComputedStyle(document.documentElement).backgroundColor`)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(512, 768, chromedp.EmulateScale(2)), chromedp.Navigate(address)); err != nil {
		t.Fatal(err)
	}
	see("print")
	printed := background
	see("")
	if overflow {
		t.Error("at 200 % zoom the page is wider than the screen")
	}
	if background != "rgb(18, 18, 18)" || printed != "rgb(255, 255, 255)" {
		t.Errorf("the dark screen is %s, the paper %s", background, printed)
	}
	for name, size := range map[string][2]float64{"A4": {8.27, 11.69}, "Letter": {8.5, 11}} {
		printedText := printToText(ctx, t, size)
		pages := regexp.MustCompile(`(?m)^\s*(\d+) / (\d+)\s*$`).FindAllStringSubmatch(printedText, -1)
		if len(pages) < 8 || len(pages) > 20 || pages[len(pages)-1][1] != pages[0][2] {
			t.Errorf("%s: page numbers are %v", name, pages)
		}
		for _, want := range []string{"Anna", "PATCH /identity/conditionalAccess/policies/POLICY-ID", "10. When it is over"} {
			if !strings.Contains(strings.Join(strings.Fields(printedText), " "), want) {
				t.Errorf("%s: the paper does not have %q", name, want)
			}
		}
	}
}

// send sends one command to the page.
func send[P, R any](ctx context.Context, c cdp.Command[P, R], params P) (R, error) {
	return chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, c, params) })
}

func evaluate[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// printToText prints to PDF and reads the text back with poppler.
func printToText(ctx context.Context, t *testing.T, size [2]float64) string {
	t.Helper()
	tool, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Skip("no pdftotext: paper is read back where there is one")
	}
	pdf, err := chromedp.Run(ctx, chromedp.PrintToPDF(func(p *page.PrintToPDFParams) { p.PaperWidth, p.PaperHeight = size[0], size[1] }))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool, "-layout", "-", "-")
	cmd.Stdin = strings.NewReader(string(pdf))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
