package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Exchange is one request and its answer, bodies whole. A Status of zero means that no
// answer was seen (a cut connection): then only the request is checked.
type Exchange struct {
	Method, URL                   string
	RequestHeader, ResponseHeader http.Header
	RequestBody, ResponseBody     []byte
	Status                        int
}

// Problem is one disagreement between an exchange and the contracts.
type Problem struct {
	// Side is "request" or "answer".
	Side string
	// Code names the kind of disagreement, for example "unknown-property"; see problem.go.
	Code string
	// Method and Path say where: Path is "v1.0" or "beta" and the lower-case template with
	// {} for keys, or the ARM resource type with its api-version.
	Method, Path string
	// Type and Name are the contract's type and the member of it that disagrees, where there is one.
	Type, Name string
	// At is the place in the message: "body.conditions.users", "query $filter", "header X".
	At string
	// Detail says it in words, without values that could be secret.
	Detail string
}

// String is the problem on one line, as tests print it.
func (p Problem) String() string {
	s := fmt.Sprintf("%s %s: %s %s: %s", p.Method, p.Path, p.Side, p.Code, p.Detail)
	if p.At != "" {
		s += " (at " + p.At + ")"
	}
	return s
}

// Contracts is the loaded data together with the exceptions met so far. Its methods may
// be called concurrently.
type Contracts struct {
	graph map[string]*graphModel // by "v1.0" and "beta"
	arm   *armModel

	mu   sync.Mutex
	used map[string]int // hits by exception name; guarded by mu
}

// graphFiles are the Graph descriptions by version.
var graphFiles = map[string]string{"v1.0": "graph-v1.0.json", "beta": "graph-beta.json"}

// armFiles are the ARM descriptions.
var armFiles = []string{
	"arm-insights.json", "arm-aadiam.json", "arm-operationalinsights.json",
	"arm-securityinsights.json", "arm-resources.json",
}

// Load reads the contracts from a directory. A missing file wraps fs.ErrNotExist.
func Load(dir string) (*Contracts, error) {
	c := &Contracts{graph: map[string]*graphModel{}, arm: newARMModel(), used: map[string]int{}}
	for version, name := range graphFiles {
		m := &graphModel{version: version}
		if err := readJSON(filepath.Join(dir, name), m); err != nil {
			return nil, err
		}
		if err := m.index(); err != nil {
			return nil, fmt.Errorf("index %s: %w", name, err)
		}
		c.graph[version] = m
	}
	for _, name := range armFiles {
		var f armFile
		if err := readJSON(filepath.Join(dir, name), &f); err != nil {
			return nil, err
		}
		if err := c.arm.add(f); err != nil {
			return nil, fmt.Errorf("index %s: %w", name, err)
		}
	}
	return c, nil
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read contracts %s: %w", filepath.Base(path), err)
	}
	return nil
}

// Find is the directory of the contracts: ../shared/contracts beside the repository that
// contains the working directory. It wraps fs.ErrNotExist when there is none.
func Find() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			found := filepath.Join(dir, "..", "shared", "contracts")
			if _, err := os.Stat(filepath.Join(found, graphFiles["v1.0"])); err != nil {
				return "", fmt.Errorf("find Microsoft's API contracts: %w", err)
			}
			return found, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", fmt.Errorf("find the repository: no go.mod above: %w", fs.ErrNotExist)
		}
		dir = up
	}
}

// Check holds one exchange against the contracts and returns what disagrees and is not
// covered by an exception. An exchange that is no Graph or ARM call is itself a problem.
func (c *Contracts) Check(e Exchange) []Problem {
	k := &checker{c: c, e: e}
	k.run()
	return c.except(k.problems)
}

// except drops the problems that an exception covers and counts the exceptions met.
func (c *Contracts) except(all []Problem) []Problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	var left []Problem
	for _, p := range all {
		i := slices.IndexFunc(exceptions, func(x Exception) bool { return x.covers(p) })
		if i < 0 {
			left = append(left, p)
			continue
		}
		c.used[exceptions[i].Name]++
	}
	return left
}

// Used says how often each exception was needed so far, by its name.
func (c *Contracts) Used() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string]int{}
	for k, v := range c.used {
		out[k] = v
	}
	return out
}

// Unused lists the exceptions that no exchange has needed. After a full run it must be
// empty: an exception nobody needs hides the next mistake.
func (c *Contracts) Unused() []Exception {
	used := c.Used()
	var out []Exception
	for _, x := range exceptions {
		if used[x.Name] == 0 {
			out = append(out, x)
		}
	}
	return out
}

// Permissions is what Microsoft's permission table says of a Graph call: every permission
// that is named for it, the least privileged ones separately, and whether the table knows
// the call at all. path is as called ("/v1.0/users/{id}", a leading version optional);
// scheme is "Application" or "DelegatedWork". The table lists permissions without saying
// which are needed together (writing a Conditional Access policy needs more than one).
func (c *Contracts) Permissions(method, path, scheme string) (perms, least []string, ok bool) {
	version, rest := splitVersion(path)
	if version == "" {
		version, rest = "v1.0", path
	}
	m := c.graph[version]
	t, err := m.walk(rest)
	if err != nil {
		return nil, nil, false
	}
	methods, found := m.operations(t)
	if !found {
		return nil, nil, false
	}
	schemes, found := methods[strings.ToUpper(method)]
	if !found {
		return nil, nil, false
	}
	for _, p := range schemes[scheme] {
		name, isLeast := strings.CutSuffix(p, "*")
		perms = append(perms, name)
		if isLeast {
			least = append(least, name)
		}
	}
	return perms, least, len(perms) > 0
}

// IsMissing says that an error of Find or Load means the contracts are not on this machine.
func IsMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
