-- Growth is kept by the minute, and after some days by the hour: these are the rows that are still to be put together.
create index segment_growth_minutes on segment_growth (at)
    where at <> date_bin('1 hour', at, '2000-01-01T00:00:00Z');
