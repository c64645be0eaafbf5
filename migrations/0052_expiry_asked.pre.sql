-- Whether the author of a message said by when it is to be said: its later hops keep to that, and have a lifetime of their own
-- otherwise. Null in rows from before.
alter table delivery add column expires_asked boolean;
