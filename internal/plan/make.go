package plan

import (
	"context"
	"errors"
	"time"

	"breakglass/internal/config"
	"breakglass/internal/entra"
)

var errUnwritten = errors.New("plan: not written yet")

// Make is the plan from what is read to what is wanted.
func Make(d *config.Desired, s *entra.Snapshot, now time.Time) (*Plan, error) {
	return nil, errUnwritten
}

// Predict is the tenant after the steps.
func Predict(s *entra.Snapshot, steps ...Step) *entra.Snapshot { return s }

// Apply does the plan.
func Apply(ctx context.Context, p *Plan, w World, o Options) (Result, error) {
	return Result{}, errUnwritten
}

// Encode is the plan file.
func (p *Plan) Encode() ([]byte, error) { return nil, errUnwritten }

// Decode reads a plan file strictly; name stands before line and column in its errors.
func Decode(name string, data []byte) (*Plan, error) { return nil, errUnwritten }
