package database

import (
	"context"
	"encoding/json"
	"fmt"
)

// storedConfig is the active row of table configurations, where Mattermost
// keeps its configuration when MM_CONFIG is a data source.
type storedConfig struct {
	id, value, dataSource string
}

// maxConfig bounds a stored configuration.
const maxConfig = 8 << 20

func (c *checker) configuration(ctx context.Context) error {
	cfg, err := activeConfig(ctx, c.tx)
	if err != nil || cfg == nil {
		return err
	}
	where := c.where
	c.where += ", table configurations"
	defer func() { c.where = where }()
	if cfg.dataSource == "" {
		c.add("db-configuration", "info", "the configuration is kept in this database; it names no data source", "")
		return nil
	}
	d, err := ParseDSN(cfg.dataSource)
	if err != nil {
		c.add("db-configuration-dsn", "error", "the data source in the stored configuration cannot be read: "+err.Error(), "'database repair configuration-dsn' writes another one")
		return nil
	}
	want := c.o.DataSource
	switch {
	case d.Database != c.o.Database,
		want.Database != "" && (want.User != d.User || fmt.Sprint(withPorts(want.Hosts)) != fmt.Sprint(withPorts(d.Hosts)) || want.Password != "" && want.Password != d.Password):
		c.add("db-configuration-dsn", "warning", "the stored configuration has a data source of its own, and it is another one: "+d.String()+"; Mattermost uses it unless MM_SQLSETTINGS_DATASOURCE is set", "'database repair configuration-dsn' rewrites it, as is due after a move")
	default:
		c.add("db-configuration", "info", "the configuration is kept in this database, with a data source of its own: "+d.String(), "rewrite it after a move ('database repair configuration-dsn')")
	}
	for _, f := range Lint(cfg.dataSource, c.where) {
		if f.Severity == "error" {
			c.r.Findings = append(c.r.Findings, f)
		}
	}
	return nil
}

// withPorts applies the default port.
func withPorts(hosts []Host) []Host {
	out := make([]Host, len(hosts))
	for i, h := range hosts {
		if out[i] = h; h.Port == 0 {
			out[i].Port = 5432
		}
	}
	return out
}

// dataSourceOf takes SqlSettings.DataSource out of a configuration.
func dataSourceOf(value string) (string, error) {
	var doc struct {
		SqlSettings struct{ DataSource string }
	}
	if err := json.Unmarshal([]byte(value), &doc); err != nil {
		return "", fmt.Errorf("the stored configuration is not JSON: %w", err)
	}
	return doc.SqlSettings.DataSource, nil
}
