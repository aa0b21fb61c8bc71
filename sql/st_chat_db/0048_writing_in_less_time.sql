-- stchat: allow drop: the constraint's check is made by the triggers, which let no other key into the memories
--
-- Writing in less time. A check of a table is read from the catalog anew for each statement, and each memory is one of the
-- trigger's: 5 of its 70 us. (What a superuser writes while triggers are off is not checked.) The newest coding is found by its
-- key: 4 us less than by sorting.

-- As in 0018, in four fifths of the time: a function among the columns is not stored before it is read, as one after FROM is.
-- The words of a text, each as a number: words between spaces and punctuation; in hiragana, katakana, kanji and hangul, which
-- need no spaces, each two neighbours of one script, and the last kanji of a run by itself. Function words and the most
-- frequent pairs of hiragana are left out. A word may come more than once. The first 8,000 characters count.
CREATE OR REPLACE FUNCTION st_chat_word_keys(p_text text) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded CONSTANT text := public.st_chat_folded(left(p_text, 8000));
    plain CONSTANT boolean := octet_length(folded) = char_length(folded);
    chars text[];
    keys bigint[] := ARRAY(
        SELECT hashtextextended(w.word, 0) & 9223372036854775807
        FROM (SELECT unnest(CASE WHEN plain THEN regexp_split_to_array(folded, '[^a-z0-9]+')
                                 ELSE regexp_split_to_array(folded, '[^\w]+|_+|[々〆ぁ-ヿ㐀-鿿가-힣豈-﫿]+') END) AS word) AS w
        WHERE w.word <> ALL ('{"",a,about,all,also,an,and,any,are,as,at,be,been,but,by,can,could,did,do,does,for,from,had,has,have,he,her,
        his,how,i,if,in,into,is,it,its,just,me,my,no,not,of,on,one,or,our,s,she,should,so,some,such,t,than,that,
        the,their,them,then,there,these,they,this,those,to,us,was,we,were,what,when,where,which,who,why,will,
        with,would,you,your}'));
BEGIN
    IF plain THEN
        RETURN keys;
    END IF;
    chars := string_to_array(folded, NULL);
    RETURN keys || ARRAY(
        SELECT hashint8extended(CASE WHEN p.script = p.next THEN p.code * 2097152::bigint + p.neighbour ELSE p.code END, 0)
               & 9223372036854775807
        FROM (SELECT c.a, c.b, c.code, c.neighbour,
                     public.st_chat_script(c.code) AS script, public.st_chat_script(c.neighbour) AS next
              FROM (SELECT u.a, u.b, ascii(u.a) AS code, ascii(u.b) AS neighbour
                    FROM (SELECT unnest(chars) AS a, unnest(chars[2: ]) AS b) AS u OFFSET 0) AS c
              OFFSET 0) AS p
        WHERE p.script = 3 OR p.script > 0 AND p.next = p.script
              AND (p.script > 1 OR p.a || p.b <> ALL (
                '{ある,いう,いた,いて,いる,うな,うに,うん,かっ,から,かり,がら,くて,ここ,こと,この,
                され,した,して,しま,しょ,すか,する,せる,せん,その,それ,たい,たち,たの,たは,たら,
                だけ,だっ,った,って,つい,てい,ては,ても,でき,でし,です,では,とい,とか,とき,とし,
                との,とは,とも,ない,なが,なく,なっ,なり,なる,なん,にな,には,にも,のか,ので,のに,
                のは,ばれ,べき,ほど,まし,ます,ませ,また,まで,もの,よう,より,らか,らせ,らに,られ,
                りま,るこ,ると,るの,るは,るよ,れた,れて,れは,れば,れる,わけ,をし}')));
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_added() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
    told bytea := public.st_chat_memory_digest(NEW.id, NEW.chat_summary);
BEGIN
    IF NEW.primarykey NOT BETWEEN 0 AND 4503599627370495 THEN  -- recall sorts it as 52 bits of a number
        RAISE check_violation USING MESSAGE = 'primarykey must be from 0 to 4503599627370495';
    END IF;
    IF NEW.embedding_model IS NOT NULL THEN
        PERFORM public.st_chat_memory_coding_of(NEW.embedding_model);
    END IF;
    FOR attempt IN 1..2 LOOP
        INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
        SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, told,
               public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
        FROM public.st_chat_memory_coding AS k
        WHERE NOT k.second AND k.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY k.coding DESC LIMIT 1
        ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
        IF FOUND THEN
            RETURN NEW;
        END IF;
        -- An id that was made elsewhere is of a memory of its own, as an export has it, though another one has the same text.
        EXIT WHEN NEW.id IS NULL;
        told := substr(sha256(convert_to(NEW.id || ' ' || NEW.chat_summary, 'UTF8')), 1, 16);
    END LOOP;
    RETURN NULL;  -- it is known: no row, and no error
END
$$;

CREATE OR REPLACE FUNCTION st_chat_memory_changed() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    me CONSTANT xid8 := pg_current_xact_id();
    told bytea := public.st_chat_memory_digest(NEW.id, NEW.chat_summary);
    was bytea;
BEGIN
    IF NEW.primarykey NOT BETWEEN 0 AND 4503599627370495 THEN  -- recall sorts it as 52 bits of a number
        RAISE check_violation USING MESSAGE = 'primarykey must be from 0 to 4503599627370495';
    END IF;
    IF NEW.embedding_model IS NOT NULL THEN
        PERFORM public.st_chat_memory_coding_of(NEW.embedding_model);
    END IF;
    IF (NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid) = (OLD.primarykey, OLD.userid, OLD.theme, OLD.chatid)
       AND told = public.st_chat_memory_digest(OLD.id, OLD.chat_summary) THEN
        UPDATE public.st_chat_memory_code AS c
        SET near = public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), coding = k.coding
        FROM (SELECT * FROM public.st_chat_memory_coding AS o
              WHERE NOT o.second AND o.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY o.coding DESC LIMIT 1) AS k
        WHERE c.memory = OLD.primarykey;
        RETURN NULL;
    END IF;
    DELETE FROM public.st_chat_memory_code AS c WHERE c.memory = OLD.primarykey;
    FOR attempt IN 1..2 LOOP
        INSERT INTO public.st_chat_memory_code (memory, userid, theme, chatid, digest, near, coding)
        SELECT NEW.primarykey, NEW.userid, NEW.theme, NEW.chatid, told,
               public.st_chat_memory_near(NEW.chat_vector, k.low, k.high)::bit(2048), k.coding
        FROM public.st_chat_memory_coding AS k
        WHERE NOT k.second AND k.model IS NOT DISTINCT FROM NEW.embedding_model ORDER BY k.coding DESC LIMIT 1
        ON CONFLICT (userid, theme, chatid, digest) DO NOTHING;
        EXIT WHEN FOUND;
        told := substr(sha256(convert_to(NEW.primarykey || ' ' || NEW.chat_summary, 'UTF8')), 1, 16);
    END LOOP;
    RETURN NULL;
END
$$;

ALTER TABLE st_chat_memory_code DROP CONSTRAINT st_chat_memory_code_memory_check;
