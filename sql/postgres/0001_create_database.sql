-- stchat: non-transactional
CREATE DATABASE st_chat_db;
