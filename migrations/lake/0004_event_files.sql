-- A question wants few neighbouring rows of a file: one name's, one person's. Their properties are unpacked by whole row groups, so
-- that groups of a quarter the usual size, packed so that they unpack fast, are read with a third less work. Files that are merged
-- later get the same; those written before are read as they are.
call lake.set_option('parquet_row_group_size', 32768, table_name => 'event');
call lake.set_option('parquet_compression', 'lz4', table_name => 'event');
call lake.set_option('parquet_row_group_size', 32768, table_name => 'event_by_profile');
call lake.set_option('parquet_compression', 'lz4', table_name => 'event_by_profile');
