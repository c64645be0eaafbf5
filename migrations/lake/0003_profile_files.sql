-- The mirror's columns grow with the customers' traits. Rows that are few would be kept in the catalogue, in a table for each set
-- of columns, and such a table is dropped when they become files: whoever reads the mirror at that instant fails, and a
-- process that has just looked at the catalogue fails for as long as no column is added. So however few, they are a file at once.
call ducklake_flush_inlined_data('lake', table_name => 'profile');
call lake.set_option('data_inlining_row_limit', 0, table_name => 'profile');
