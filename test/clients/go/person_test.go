package clients

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// person signs the simulated tenant's administrator in on the sign-in page: types into the
// field that a page has, presses its main button, and follows where it leads, also when it
// leads back to the client on this machine.
type person struct {
	s      *sim
	client *http.Client
	pages  []string // headings of the pages seen
}

func newPerson(s *sim) *person {
	jar, _ := cookiejar.New(nil) // never fails without options
	return &person{s: s, client: &http.Client{Jar: jar}}
}

var (
	heading   = regexp.MustCompile(`<h1>([^<]*)</h1>`)
	action    = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	hidden    = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)"`)
	wanted    = regexp.MustCompile(`Please enter the code of ([^<]*)\.</p>`)
	shown     = regexp.MustCompile(`<li>[^<]*\(([^)<]*)\): (\d+)</li>`)
	telephone = regexp.MustCompile(`href="([^"]*/_phone[^"]*)"`)
)

// signIn goes from an address to the end of the sign-in; the last heading tells how it ended.
func (p *person) signIn(address, deviceCode string) error {
	res, err := p.client.Get(address)
	for range 12 {
		if err != nil {
			return err
		}
		body, at, e := p.take(res)
		if e != nil {
			return e
		}
		form := p.fill(body, deviceCode)
		if form == nil {
			return nil
		}
		target, e := at.Parse(html.UnescapeString(action.FindStringSubmatch(body)[1]))
		if e != nil {
			return e
		}
		res, err = p.client.PostForm(target.String(), form)
	}
	return fmt.Errorf("the sign-in did not end: %v", p.pages)
}

// signInUntil signs in up to the redirect to a client that nobody serves, and gives the
// address that the browser was sent to.
func (p *person) signInUntil(address, redirect string) (*url.URL, error) {
	var back *url.URL
	p.client.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), redirect) {
			back = req.URL
			return http.ErrUseLastResponse
		}
		return nil
	}
	defer func() { p.client.CheckRedirect = nil }()
	if err := p.signIn(address, ""); err != nil {
		return nil, err
	}
	if back == nil {
		return nil, fmt.Errorf("not sent back to the client: %v", p.pages)
	}
	return back, nil
}

func (p *person) take(res *http.Response) (body string, at *url.URL, err error) {
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	body = string(b)
	if m := heading.FindStringSubmatch(body); m != nil {
		p.pages = append(p.pages, html.UnescapeString(m[1]))
	}
	return body, res.Request.URL, err
}

// fill is what the person types into a page's form; nil when there is nothing to do.
func (p *person) fill(body, deviceCode string) url.Values {
	if !action.MatchString(body) {
		return nil
	}
	form := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(body, -1) {
		form.Set(m[1], html.UnescapeString(m[2]))
	}
	user := p.s.Credentials.DeviceUser
	answers := map[string]string{
		"loginfmt": user.UserPrincipalName, "passwd": user.Password, "otc": deviceCode, "stay": "no", "go": "1", "accept": "1", "later": "1",
	}
	if m := telephone.FindStringSubmatch(body); m != nil {
		answers["otc"] = p.codeOn(html.UnescapeString(m[1]), body)
	}
	for field, text := range answers {
		if strings.Contains(body, `name="`+field+`"`) {
			form.Set(field, text)
		}
	}
	return form
}

// codeOn reads from the person's telephone the code of the proof that the page asks for.
func (p *person) codeOn(address, page string) string {
	asked := wanted.FindStringSubmatch(page)
	res, err := p.client.Get(address)
	if err != nil || asked == nil {
		return "" // the sign-in page says that the code is wrong
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	for _, m := range shown.FindAllStringSubmatch(string(b), -1) {
		if m[1] == asked[1] {
			return m[2]
		}
	}
	return ""
}
