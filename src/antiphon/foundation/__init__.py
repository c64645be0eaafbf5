"""What every floor stands on: settings, clocks, the two stores, leases, jobs, HTTP. Knows nothing of marketing."""
