package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Rights are what serving needs on each table, and no more: it can't change an
// event, set the history back, or tell which schema there is.
var Rights = map[string]string{
	"organizations":    "SELECT, INSERT, UPDATE",
	"trails":           "SELECT, INSERT, UPDATE",
	"installation":     "SELECT, UPDATE (one)",
	"users":            "SELECT, INSERT, UPDATE",
	"invitations":      "SELECT, INSERT, UPDATE",
	"deliveries":       "SELECT, INSERT, UPDATE",
	"events":           "SELECT, INSERT, DELETE", // a trigger keeps those of the last 90 days
	"requests":         "SELECT, INSERT, UPDATE, DELETE",
	"reports":          "SELECT, INSERT, UPDATE, DELETE",
	"mail_limits":      "SELECT, INSERT, UPDATE, DELETE",
	"delivery_rest":    "SELECT, INSERT, UPDATE, DELETE",
	"goose_db_version": "SELECT",
}

// Grant gives a role these rights on tables, and takes all others on tables from
// it. Servers that run meanwhile notice nothing.
func Grant(ctx context.Context, pool *pgxpool.Pool, role string, tables ...map[string]string) error {
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		var schema string
		if err := tx.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
			return err
		}
		to, in := pgx.Identifier{role}.Sanitize(), pgx.Identifier{schema}.Sanitize()
		statements := []string{
			fmt.Sprintf("REVOKE ALL ON ALL TABLES IN SCHEMA %s FROM %s", in, to),
			fmt.Sprintf("GRANT USAGE ON SCHEMA %s TO %s", in, to),
			fmt.Sprintf("GRANT USAGE ON ALL SEQUENCES IN SCHEMA %s TO %s", in, to),
		}
		for _, rights := range tables {
			for _, table := range slices.Sorted(maps.Keys(rights)) {
				statements = append(statements, fmt.Sprintf("GRANT %s ON %s.%s TO %s", rights[table], in, pgx.Identifier{table}.Sanitize(), to))
			}
		}
		for _, statement := range statements {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("grant rights to %s: %w", role, err)
	}
	return nil
}
