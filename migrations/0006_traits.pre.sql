-- What is known of customers' traits: each has one type and one column in the lake's typed mirror of profiles.
create table trait (
    name           text collate "C" primary key,
    type           text not null check (type in ('text', 'number', 'boolean', 'instant', 'date', 'text_list')),
    column_name    text not null unique,
    -- A change of type that is being prepared: both columns are written until every profile has the new one.
    next_type      text check (next_type in ('text', 'number', 'boolean', 'instant', 'date', 'text_list')),
    next_column    text unique,
    description    text not null default '',
    personal       boolean not null default false,
    first_seen     timestamptz not null,
    -- The latest value that does not fit the type; it stays in the profile, and is empty in the mirror.
    misfit         text,
    misfit_at      timestamptz
);
