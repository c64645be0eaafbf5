-- The typed mirror of profiles: one row a customer; each trait has a column, added when it is first seen.
create table lake.profile (
    profile_id bigint not null,
    created_at timestamptz,
    updated_at timestamptz,
    first_seen timestamptz,
    last_seen timestamptz
);
alter table lake.profile set sorted by (profile_id asc);

-- Every copier changes this row, so that of two copiers at once one fails and copies nothing.
create table lake.profile_turn (
    copies bigint not null
);
insert into lake.profile_turn values (0);
