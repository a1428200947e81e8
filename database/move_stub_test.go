package database

import (
	"context"
)

func moveForTest(ctx context.Context, m *Manager, d DSN, name string, hook func(string)) (any, error) {
	return nil, nil
}
