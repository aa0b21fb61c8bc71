-- stchat: non-transactional
-- The database of this app. Its tables are migrations of ../orders.
CREATE DATABASE orders;
