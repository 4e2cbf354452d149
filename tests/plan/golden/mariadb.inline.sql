-- round 1

-- collect shop/users
SELECT DISTINCT 0, users.id, users.email
FROM users
WHERE users.id IN (%s)
 LIMIT 501;

-- collect shop/users
SELECT DISTINCT 0, users.id, users.email
FROM users
WHERE convert(CAST(lower(CAST(users.email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(lower(CAST(%s AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY))
 LIMIT 501;

-- round 2

-- collect shop/orders
SELECT DISTINCT 0, orders.shop, orders.no
FROM orders
WHERE orders.customer_id IN (%s)
 LIMIT 501;

-- collect shop/orders
SELECT DISTINCT 0, orders.shop, orders.no
FROM orders
WHERE convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(lower(CAST(%s AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY))
 LIMIT 501;

-- collect shop/posts
SELECT DISTINCT 0, posts.id
FROM posts
WHERE posts.author_id IN (%s)
 LIMIT 501;

-- collect shop/project_members
SELECT DISTINCT 0, project_members.project_id, project_members.user_id
FROM project_members
WHERE project_members.user_id IN (%s)
 LIMIT 501;

-- disable: disable users, named by key, named by email
UPDATE users SET active=%s WHERE users.id IN (%s) AND NOT (users.active <=> %s);

-- disable: disable sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (%s);

-- detach: detach posts, above → posts
UPDATE posts SET above=%s WHERE posts.above IN (%s) AND posts.above IS NOT NULL;

-- detach: detach albums, owner_a → users
UPDATE albums SET owner_a=%s WHERE albums.owner_a IN (%s) AND albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (%s), false) = 0 AND albums.owner_a IS NOT NULL;

-- detach: detach albums, owner_b → users
UPDATE albums SET owner_b=%s WHERE albums.owner_b IN (%s) AND albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (%s), false) = 0 AND albums.owner_b IS NOT NULL;

-- change: delete sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (%s);

-- change: expire order_items, shop, order_no → orders
DELETE FROM order_items WHERE (order_items.shop, order_items.order_no) IN ((%s, %s)) AND (EXISTS (SELECT %s AS anon_1
FROM orders AS slett_parent1
WHERE order_items.shop = slett_parent1.shop AND order_items.order_no = slett_parent1.no AND coalesce(slett_parent1.placed_at < %s, false) = 1));

-- change: keep orders, customer_id → users, guest_email = email
UPDATE orders SET ship_name=%s, ship_zip=substr(orders.ship_zip, %s, %s) WHERE (orders.shop, orders.no) IN ((%s, %s)) AND (orders.customer_id IN (%s) OR convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(lower(CAST(%s AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY))) AND coalesce(orders.placed_at < %s, false) = 0 AND (orders.ship_name IS NOT NULL OR NOT (convert(CAST(CAST(orders.ship_zip AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY) <=> convert(CAST(CAST(substr(orders.ship_zip, %s, %s) AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY)));

-- change: detach orders, customer_id → users
UPDATE orders SET customer_id=%s WHERE orders.customer_id IN (%s) AND coalesce(orders.placed_at < %s, false) = 0 AND orders.customer_id IS NOT NULL;

-- change: detach orders, guest_email = email
UPDATE orders SET guest_email=%s WHERE convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(lower(CAST(%s AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY)) AND coalesce(orders.placed_at < %s, false) = 0 AND orders.guest_email IS NOT NULL;

-- change: expire orders, customer_id → users, guest_email = email
DELETE FROM orders WHERE (orders.shop, orders.no) IN ((%s, %s)) AND (orders.customer_id IN (%s) OR convert(CAST(lower(CAST(orders.guest_email AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(lower(CAST(%s AS CHAR CHARACTER SET utf8mb4)) AS CHAR CHARACTER SET utf8mb4), BINARY))) AND coalesce(orders.placed_at < %s, false) = 1;

-- change: delete attachments, owner_id → users
DELETE FROM attachments WHERE attachments.owner_id IN (%s) AND attachments.owner_type = %s;

-- change: delete attachments, owner_id → posts
DELETE FROM attachments WHERE attachments.owner_id IN (%s) AND attachments.owner_type = %s;

-- change: delete posts, author_id → users
DELETE FROM posts WHERE posts.id IN (%s) AND posts.author_id IN (%s);

-- change: delete messages, sender_id → users
DELETE FROM messages WHERE messages.sender_id IN (%s);

-- detach: detach messages, recipient_id → users
UPDATE messages SET recipient_id=%s, recipient_name=%s WHERE messages.recipient_id IN (%s) AND (messages.recipient_id IS NOT NULL OR NOT (convert(CAST(CAST(messages.recipient_name AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY) <=> convert(CAST(CAST(%s AS CHAR) AS CHAR CHARACTER SET utf8mb4), BINARY)));

-- change: delete events, payload → users
DELETE FROM events WHERE convert(CAST(json_unquote(nullif(json_extract(events.payload, %s), %s)) AS CHAR CHARACTER SET utf8mb4), BINARY) IN (convert(CAST(%s AS CHAR CHARACTER SET utf8mb4), BINARY));

-- change: delete albums, owner_a → users
DELETE FROM albums WHERE albums.owner_a IN (%s) AND NOT (albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (%s), false) = 0);

-- change: delete albums, owner_b → users
DELETE FROM albums WHERE albums.owner_b IN (%s) AND NOT (albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (%s), false) = 0);

-- change: delete project_members, user_id → users
DELETE FROM project_members WHERE (project_members.project_id, project_members.user_id) IN ((%s, %s)) AND project_members.user_id IN (%s);

-- change: delete projects, id → project_members
DELETE FROM projects WHERE projects.id IN (%s) AND NOT (EXISTS (SELECT %s AS anon_1
FROM project_members AS slett_holder
WHERE slett_holder.project_id = projects.id AND coalesce((slett_holder.project_id, slett_holder.user_id) IN ((%s, %s)), false) = 0));

-- detach: detach projects, created_by → users
UPDATE projects SET created_by=%s WHERE projects.created_by IN (%s) AND projects.created_by IS NOT NULL;

-- change: anonymise reviews, user_id → users
UPDATE reviews SET user_id=%s, nick=(concat(%s, substr(sha2(concat(%s, unhex(sha2(concat(%s, convert(reviews.nick, BINARY)), %s))), %s), %s, %s))), born=date_format(reviews.born, %s) WHERE reviews.user_id IN (%s) AND (reviews.nick IS NOT NULL AND NOT (reviews.nick LIKE %s AND length(reviews.nick) = %s) OR NOT (reviews.born <=> date_format(reviews.born, %s)) OR reviews.user_id IS NOT NULL);

-- change: delete users, named by key, named by email
DELETE FROM users WHERE users.id IN (%s);
