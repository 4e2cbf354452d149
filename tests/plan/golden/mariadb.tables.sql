-- round 1

-- collect shop/users
SELECT DISTINCT slett_keys_5.person, users.id, users.email
FROM slett_keys_5, users
WHERE users.id = slett_keys_5.k0
 LIMIT 501;

-- collect shop/users
SELECT DISTINCT slett_keys_6.person, users.id, users.email
FROM slett_keys_6, users
WHERE convert(CAST(lower(CAST(users.email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) = convert(CAST(lower(CAST(slett_keys_6.k0 AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) AND slett_keys_6.k0 != %s
 LIMIT 501;

-- round 2

-- collect shop/orders
SELECT DISTINCT slett_keys_1.person, orders.shop, orders.no
FROM slett_keys_1, orders
WHERE orders.customer_id = slett_keys_1.k0
 LIMIT 501;

-- collect shop/orders
SELECT DISTINCT slett_keys_7.person, orders.shop, orders.no
FROM slett_keys_7, orders
WHERE convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) = convert(CAST(lower(CAST(slett_keys_7.k0 AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) AND slett_keys_7.k0 != %s
 LIMIT 501;

-- collect shop/posts
SELECT DISTINCT slett_keys_1.person, posts.id
FROM slett_keys_1, posts
WHERE posts.author_id = slett_keys_1.k0
 LIMIT 501;

-- collect shop/project_members
SELECT DISTINCT slett_keys_1.person, project_members.project_id, project_members.user_id
FROM slett_keys_1, project_members
WHERE project_members.user_id = slett_keys_1.k0
 LIMIT 501;

-- disable: disable users, named by key, named by email
UPDATE users, slett_keys_1 SET users.active=%s WHERE users.id = slett_keys_1.k0 AND NOT (users.active <=> %s);

-- disable: disable sessions, user_id → users
DELETE FROM sessions USING sessions, slett_keys_1 WHERE sessions.user_id = slett_keys_1.k0;

-- detach: detach posts, above → posts
UPDATE posts, slett_keys_3 SET posts.above=%s WHERE posts.above = slett_keys_3.k0 AND posts.above IS NOT NULL;

-- detach: detach albums, owner_a → users
UPDATE albums, slett_keys_1 SET albums.owner_a=%s WHERE albums.owner_a = slett_keys_1.k0 AND albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1), false) = 0 AND albums.owner_a IS NOT NULL;

-- detach: detach albums, owner_b → users
UPDATE albums, slett_keys_1 SET albums.owner_b=%s WHERE albums.owner_b = slett_keys_1.k0 AND albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1), false) = 0 AND albums.owner_b IS NOT NULL;

-- change: delete sessions, user_id → users
DELETE FROM sessions USING sessions, slett_keys_1 WHERE sessions.user_id = slett_keys_1.k0;

-- change: expire order_items, shop, order_no → orders
DELETE FROM order_items USING order_items, slett_keys_2 WHERE order_items.shop = slett_keys_2.k0 AND order_items.order_no = slett_keys_2.k1 AND (EXISTS (SELECT %s AS anon_1
FROM orders AS slett_parent1
WHERE order_items.shop = slett_parent1.shop AND order_items.order_no = slett_parent1.no AND coalesce(slett_parent1.placed_at < %s, false) = 1));

-- change: keep orders, customer_id → users, guest_email = email
UPDATE orders, slett_keys_2 SET orders.ship_name=%s, orders.ship_zip=substr(orders.ship_zip, %s, %s) WHERE orders.shop = slett_keys_2.k0 AND orders.no = slett_keys_2.k1 AND (orders.customer_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) OR convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (SELECT convert(CAST(lower(CAST(slett_keys_7.k0 AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) AS convert_1
FROM slett_keys_7
WHERE slett_keys_7.k0 != %s)) AND coalesce(orders.placed_at < %s, false) = 0 AND (orders.ship_name IS NOT NULL OR NOT (convert(CAST(CAST(orders.ship_zip AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY) <=> convert(CAST(CAST(substr(orders.ship_zip, %s, %s) AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY)));

-- change: detach orders, customer_id → users
UPDATE orders, slett_keys_1 SET orders.customer_id=%s WHERE orders.customer_id = slett_keys_1.k0 AND coalesce(orders.placed_at < %s, false) = 0 AND orders.customer_id IS NOT NULL;

-- change: detach orders, guest_email = email
UPDATE orders, slett_keys_7 SET orders.guest_email=%s WHERE convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) = convert(CAST(lower(CAST(slett_keys_7.k0 AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) AND slett_keys_7.k0 != %s AND coalesce(orders.placed_at < %s, false) = 0 AND orders.guest_email IS NOT NULL;

-- change: expire orders, customer_id → users, guest_email = email
DELETE FROM orders USING orders, slett_keys_2 WHERE orders.shop = slett_keys_2.k0 AND orders.no = slett_keys_2.k1 AND (orders.customer_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) OR convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (SELECT convert(CAST(lower(CAST(slett_keys_7.k0 AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) AS convert_1
FROM slett_keys_7
WHERE slett_keys_7.k0 != %s)) AND coalesce(orders.placed_at < %s, false) = 1;

-- change: delete attachments, owner_id → users
DELETE FROM attachments USING attachments, slett_keys_1 WHERE attachments.owner_id = slett_keys_1.k0 AND attachments.owner_type = %s;

-- change: delete attachments, owner_id → posts
DELETE FROM attachments USING attachments, slett_keys_3 WHERE attachments.owner_id = slett_keys_3.k0 AND CAST(slett_keys_3.k0 AS CHAR) != %s AND attachments.owner_type = %s;

-- change: delete posts, author_id → users
DELETE FROM posts USING posts, slett_keys_3 WHERE posts.id = slett_keys_3.k0 AND posts.author_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- change: delete messages, sender_id → users
DELETE FROM messages USING messages, slett_keys_1 WHERE messages.sender_id = slett_keys_1.k0;

-- detach: detach messages, recipient_id → users
UPDATE messages, slett_keys_1 SET messages.recipient_id=%s, messages.recipient_name=%s WHERE messages.recipient_id = slett_keys_1.k0 AND (messages.recipient_id IS NOT NULL OR NOT (convert(CAST(CAST(messages.recipient_name AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY) <=> convert(CAST(CAST(%s AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY)));

-- change: delete events, payload → users
DELETE FROM events USING events, slett_keys_1 WHERE convert(CAST(json_unquote(nullif(json_extract(events.payload, %s), %s)) AS CHAR CHARACTER SET utf8mb4), BINARY) = convert(CAST(CAST(slett_keys_1.k0 AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY);

-- change: delete albums, owner_a → users
DELETE FROM albums USING albums, slett_keys_1 WHERE albums.owner_a = slett_keys_1.k0 AND NOT (albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1), false) = 0);

-- change: delete albums, owner_b → users
DELETE FROM albums USING albums, slett_keys_1 WHERE albums.owner_b = slett_keys_1.k0 AND NOT (albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1), false) = 0);

-- change: delete project_members, user_id → users
DELETE FROM project_members USING project_members, slett_keys_4 WHERE project_members.project_id = slett_keys_4.k0 AND project_members.user_id = slett_keys_4.k1 AND project_members.user_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- change: delete projects, id → project_members
DELETE FROM projects USING projects, slett_keys_4 WHERE projects.id = slett_keys_4.k0 AND NOT (EXISTS (SELECT %s AS anon_1
FROM project_members AS slett_holder
WHERE slett_holder.project_id = projects.id AND coalesce((slett_holder.project_id, slett_holder.user_id) IN (SELECT slett_keys_4.k0, slett_keys_4.k1
FROM slett_keys_4), false) = 0));

-- detach: detach projects, created_by → users
UPDATE projects, slett_keys_1 SET projects.created_by=%s WHERE projects.created_by = slett_keys_1.k0 AND projects.created_by IS NOT NULL;

-- change: anonymise reviews, user_id → users
UPDATE reviews, slett_keys_1 SET reviews.user_id=%s, reviews.nick=(concat(%s, substr(sha2(concat(%s, unhex(sha2(concat(%s, convert(reviews.nick, BINARY)), %s))), %s), %s, %s))), reviews.born=date_format(reviews.born, %s) WHERE reviews.user_id = slett_keys_1.k0 AND (reviews.nick IS NOT NULL AND NOT (reviews.nick LIKE %s AND length(reviews.nick) = %s) OR NOT (reviews.born <=> date_format(reviews.born, %s)) OR reviews.user_id IS NOT NULL);

-- change: delete users, named by key, named by email
DELETE FROM users USING users, slett_keys_1 WHERE users.id = slett_keys_1.k0;
