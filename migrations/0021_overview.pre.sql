-- The rooms' overview numbers over the last day, so that a chart has a past when somebody opens it.
create table overview_point (
    at timestamptz primary key default clock_timestamp(),
    numbers jsonb not null
);
