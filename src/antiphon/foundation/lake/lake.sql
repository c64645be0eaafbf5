-- name: forget_ranges
-- The bounds of a table's columns over all the rows it ever had (the catalogue in PostgreSQL never narrows them).
update lake_catalogue.ducklake_table_column_stats s set min_value = null, max_value = null
from lake_catalogue.ducklake_column c, lake_catalogue.ducklake_table t
where t.table_name = %(table)s and c.table_id = t.table_id and s.table_id = t.table_id and s.column_id = c.column_id
  and c.column_name <> all (%(kept)s::text[]) and (s.min_value is not null or s.max_value is not null);
