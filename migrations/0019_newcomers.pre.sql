-- New people of an import, by spans of ids: a row for fifty thousand of them instead of a row for each in profile_dirty and
-- profile_unindexed.

-- Not in the mirror yet. Whoever loaded them writes them there itself; if it has not within a minute (it died), they become rows
-- of profile_dirty.
create table newcomer_unmirrored (
    first_id bigint primary key,
    last_id  bigint not null,
    since    timestamptz not null default clock_timestamp()
);

-- Not findable by their words yet; a span shrinks from its beginning.
create table newcomer_unindexed (
    first_id bigint primary key,
    last_id  bigint not null
);

-- Consents and wishes of an import that were news.
alter table import add column said bigint not null default 0;
