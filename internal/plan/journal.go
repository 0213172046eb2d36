package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The journal is a file of JSON lines. The first names the plan by its digest. Then every
// step has a line `begun`, on disk before the request leaves, and a line `done` after the
// step was read back; a creation has a line `created` with the new id in between, an exclusion a line `audited`
// once the audit log was seen to hold it. The file
// is what makes Apply resumable: an outcome that was lost is a `begun` without a `done`.

// record is one line.
type record struct {
	At     time.Time `json:"at"`
	Plan   string    `json:"plan,omitempty"`
	Step   string    `json:"step,omitempty"`
	State  string    `json:"state,omitempty"`
	Object string    `json:"object,omitempty"`
	Note   string    `json:"note,omitempty"`
}

const (
	lineBegun   = "begun"
	lineCreated = "created"
	lineDone    = "done"
	lineFailed  = "failed"
	lineAudited = "audited"
)

// journal is an open journal. One Apply writes it at a time.
type journal struct {
	f    *os.File
	size int64
	now  func() time.Time
	// begunAt, objects, doneSteps and audited are what the lines say, by step id.
	begunAt   map[string]time.Time
	objects   map[string]string
	doneSteps map[string]bool
	audited   map[string]bool
}

// openJournal opens or begins the journal of a plan. A journal of another plan is refused.
func openJournal(path, plan string, now func() time.Time) (*journal, error) {
	if path == "" {
		return nil, errors.New("open the journal: no file was named")
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &journal{f: f, now: now, begunAt: map[string]time.Time{}, objects: map[string]string{}, doneSteps: map[string]bool{}, audited: map[string]bool{}}
	if err := j.load(plan); err != nil {
		_ = f.Close()
		return nil, err
	}
	return j, nil
}

// load reads the lines. A last line without its end was cut by a crash before anything that
// it announced was sent; it is dropped.
func (j *journal) load(plan string) error {
	data, err := io.ReadAll(j.f)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	if len(whole) < len(data) {
		if err := j.f.Truncate(int64(len(whole))); err != nil {
			return fmt.Errorf("drop the cut line of the journal: %w", err)
		}
	}
	if _, err := j.f.Seek(int64(len(whole)), io.SeekStart); err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	j.size = int64(len(whole))
	if len(whole) == 0 {
		return j.begin(plan)
	}
	lines := bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n"))
	for n, line := range lines {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			return fmt.Errorf("read the journal: line %d is damaged: %w", n+1, err)
		}
		if n == 0 && r.Plan != plan {
			if len(lines) == 1 { // that plan was refused before it sent anything: there is nothing to go on with
				return j.restart(plan)
			}
			return &RefusedError{Reason: "the journal " + j.f.Name() + " belongs to another plan", Next: "keep it with its plan, and make the new plan in another file"}
		}
		j.take(r)
	}
	return nil
}

// restart makes an empty journal of the one at hand.
func (j *journal) restart(plan string) error {
	if err := j.f.Truncate(0); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	if _, err := j.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	j.size = 0
	return j.begin(plan)
}

func (j *journal) begin(plan string) error {
	if err := j.write(record{Plan: plan}); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(j.f.Name()))
	if err != nil {
		return fmt.Errorf("begin the journal: %w", err)
	}
	defer func() { _ = dir.Close() }()
	_ = dir.Sync() // not every system can; the file itself is synced
	return nil
}

func (j *journal) take(r record) {
	switch r.State {
	case lineBegun:
		j.begunAt[r.Step] = r.At
		delete(j.doneSteps, r.Step)
	case lineFailed:
		delete(j.begunAt, r.Step) // the service said no: nothing of ours is under way
	case lineAudited:
		j.audited[r.Step] = true
	case lineDone:
		j.doneSteps[r.Step] = true
	}
	if r.Object != "" {
		j.objects[r.Step] = r.Object
	}
}

// write puts a line on disk. It refuses when somebody else wrote since: two runs of the same
// plan would not know of each other's outcomes.
func (j *journal) write(r record) error {
	r.At = j.now().UTC()
	info, err := j.f.Stat()
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if info.Size() != j.size {
		return &RefusedError{Reason: "another apply of this plan writes its journal now", Next: "wait until it has ended, then apply again"}
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	n, err := j.f.Write(append(data, '\n'))
	j.size += int64(n)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	j.take(r)
	return nil
}

func (j *journal) close() error { return j.f.Close() }
