package plan

import "context"

// Apply does the plan.
func Apply(ctx context.Context, p *Plan, w World, o Options) (Result, error) {
	return Result{}, context.Canceled
}
