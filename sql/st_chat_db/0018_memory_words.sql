-- Which words each memory holds, for recall by words (docs/decisions/0421): a Bloom filter of its words, in one index with
-- whose memory it is, as the codes of 0006 are. Recall reads the user's own alone, so no word of another user counts.

-- A text as its words are looked for: full-width letters, half-width katakana and the like as their usual forms, and small.
CREATE FUNCTION st_chat_folded(p_text text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN octet_length(p_text) = char_length(p_text) OR p_text IS NFKC NORMALIZED THEN lower(p_text)
            ELSE lower(normalize(p_text, NFKC)) END;

-- Of a character, by its number: 1 hiragana, 2 katakana, 3 kanji, 4 hangul, 0 anything else.
CREATE FUNCTION st_chat_script(p_code int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN p_code < 12353 THEN CASE WHEN p_code IN (12293, 12294) THEN 3 ELSE 0 END
            WHEN p_code <= 12438 THEN 1
            WHEN p_code <= 12540 THEN CASE WHEN p_code < 12449 OR p_code = 12539 THEN 0 ELSE 2 END
            WHEN p_code < 13312 THEN 0
            WHEN p_code <= 40959 THEN 3
            WHEN p_code <= 55203 THEN CASE WHEN p_code < 44032 THEN 0 ELSE 4 END
            WHEN p_code BETWEEN 63744 AND 64255 THEN 3
            ELSE 0 END;

-- The words of a text, each as a number: words between spaces and punctuation; in hiragana, katakana, kanji and hangul, which
-- need no spaces, each two neighbours of one script, and the last kanji of a run by itself. Function words and the most
-- frequent pairs of hiragana are left out. A word may come more than once. The first 8,000 characters count.
CREATE FUNCTION st_chat_word_keys(p_text text) RETURNS bigint[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    folded CONSTANT text := public.st_chat_folded(left(p_text, 8000));
    plain CONSTANT boolean := octet_length(folded) = char_length(folded);
    chars text[];
    keys bigint[] := ARRAY(
        SELECT hashtextextended(w.word, 0) & 9223372036854775807
        FROM unnest(CASE WHEN plain THEN regexp_split_to_array(folded, '[^a-z0-9]+')
                         ELSE regexp_split_to_array(folded, '[^\w]+|_+|[々〆ぁ-ヿ㐀-鿿가-힣豈-﫿]+') END) AS w (word)
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
                    FROM unnest(chars, chars[2: ]) AS u (a, b) OFFSET 0) AS c
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

-- Of one word as it is asked for: the number that st_chat_word_keys has for it.
CREATE FUNCTION st_chat_word_key(p_word text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN 9223372036854775807 & CASE
    WHEN public.st_chat_script(ascii(p_word)) = 0 THEN hashtextextended(p_word, 0)
    WHEN char_length(p_word) = 1 THEN hashint8extended(ascii(p_word), 0)
    ELSE hashint8extended(ascii(p_word) * 2097152::bigint + ascii(right(p_word, 1)), 0) END;

-- The words of a question, those that say most first: hiragana last, and long ones before short ones. At most 32, of the
-- first 2,000 characters.
CREATE FUNCTION st_chat_words_asked(p_text text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    asked CONSTANT text := left(p_text, 2000);
    folded CONSTANT text := public.st_chat_folded(asked);
    keys CONSTANT bigint[] := public.st_chat_word_keys(asked);
    chars CONSTANT text[] := string_to_array(folded, NULL);
    scripts CONSTANT int[] := ARRAY(SELECT public.st_chat_script(ascii(c.a)) FROM unnest(chars) AS c (a));
BEGIN
    RETURN ARRAY(
        SELECT w.word FROM (
            SELECT s.word, s.place
            FROM unnest(regexp_split_to_array(folded, '[^\w]+|_+|[々〆ぁ-ヿ㐀-鿿가-힣豈-﫿]+'))
                 WITH ORDINALITY AS s (word, place)
            WHERE s.word <> ''
            UNION ALL
            SELECT CASE WHEN p.next = p.script THEN p.a || p.b ELSE p.a END, p.place
            FROM unnest(chars, scripts, chars[2: ], scripts[2: ], array_prepend(0, scripts))
                 WITH ORDINALITY AS p (a, script, b, next, previous, place)
            WHERE p.script > 0 AND (p.next = p.script OR p.script = 3 AND p.previous <> 3)
        ) AS w
        WHERE public.st_chat_word_key(w.word) = ANY (keys)
        GROUP BY w.word
        ORDER BY public.st_chat_script(ascii(w.word)) = 1, char_length(w.word) DESC, min(w.place) LIMIT 32);
END
$$;

-- The filter: lanes of 64 bits, 3 for each 8 words. A word sets four bits of one lane. An entry of an index holds 2,704 bytes,
-- so there are at most as many lanes as the names leave room for.
CREATE FUNCTION st_chat_words_code(p_userid text, p_theme text, p_summary text) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    keys CONSTANT bigint[] := public.st_chat_word_keys(p_summary);
    lanes CONSTANT int := greatest(1, least(
        cardinality(keys) * 3 / 8, (2600 - octet_length(p_userid) - octet_length(p_theme)) / 8));
    bits CONSTANT bigint := lanes * 64;
    code bytea := decode(repeat('00', lanes * 8), 'hex');
    k bigint;
BEGIN
    FOREACH k IN ARRAY keys LOOP
        code := set_bit(set_bit(set_bit(set_bit(
            code, k % bits, 1), k % bits # (k >> 31 & 63), 1), k % bits # (k >> 37 & 63), 1), k % bits # (k >> 43 & 63), 1);
    END LOOP;
    RETURN code;
END
$$;
