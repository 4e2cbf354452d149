-- round 1

-- collect shop/users
SELECT DISTINCT slett_keys_5.person, users.id, users.email
FROM slett_keys_5, users
WHERE users.id = slett_keys_5.k0
 LIMIT 501 OFFSET ?;

-- collect shop/users
SELECT DISTINCT slett_keys_6.person, users.id, users.email
FROM slett_keys_6, users
WHERE slett_fold(users.email) = slett_fold(slett_keys_6.k0) AND slett_keys_6.k0 != ?
 LIMIT 501 OFFSET ?;

-- round 2

-- collect shop/orders
SELECT DISTINCT slett_keys_1.person, orders.shop, orders.no
FROM slett_keys_1, orders
WHERE orders.customer_id = slett_keys_1.k0
 LIMIT 501 OFFSET ?;

-- collect shop/orders
SELECT DISTINCT slett_keys_7.person, orders.shop, orders.no
FROM slett_keys_7, orders
WHERE slett_fold(orders.guest_email) = slett_fold(slett_keys_7.k0) AND slett_keys_7.k0 != ?
 LIMIT 501 OFFSET ?;

-- collect shop/posts
SELECT DISTINCT slett_keys_1.person, posts.id
FROM slett_keys_1, posts
WHERE posts.author_id = slett_keys_1.k0
 LIMIT 501 OFFSET ?;

-- collect shop/project_members
SELECT DISTINCT slett_keys_1.person, project_members.project_id, project_members.user_id
FROM slett_keys_1, project_members
WHERE project_members.user_id = slett_keys_1.k0
 LIMIT 501 OFFSET ?;

-- disable: disable users, named by key, named by email
UPDATE users SET active=? WHERE users.id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND users.active IS NOT ?;

-- disable: disable sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- detach: detach posts, above → posts
UPDATE posts SET above=? WHERE posts.above IN (SELECT slett_keys_3.k0
FROM slett_keys_3) AND posts.above IS NOT NULL;

-- detach: detach albums, owner_a → users
UPDATE albums SET owner_a=? WHERE albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1), 0) = 0 AND albums.owner_a IS NOT NULL;

-- detach: detach albums, owner_b → users
UPDATE albums SET owner_b=? WHERE albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1), 0) = 0 AND albums.owner_b IS NOT NULL;

-- change: delete sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- change: expire order_items, shop, order_no → orders
DELETE FROM order_items WHERE (order_items.shop, order_items.order_no) IN (SELECT slett_keys_2.k0, slett_keys_2.k1
FROM slett_keys_2) AND (EXISTS (SELECT ? AS anon_1
FROM orders AS slett_parent1
WHERE order_items.shop = slett_parent1.shop AND order_items.order_no = slett_parent1.no AND coalesce(slett_parent1.placed_at < ?, 0) = 1));

-- change: keep orders, customer_id → users, guest_email = email
UPDATE orders SET ship_name=?, ship_zip=substr(orders.ship_zip, ?, ?) WHERE (orders.shop, orders.no) IN (SELECT slett_keys_2.k0, slett_keys_2.k1
FROM slett_keys_2) AND (orders.customer_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) OR slett_fold(orders.guest_email) IN (SELECT slett_fold(slett_keys_7.k0) AS slett_fold_1
FROM slett_keys_7
WHERE slett_keys_7.k0 != ?)) AND coalesce(orders.placed_at < ?, 0) = 0 AND (orders.ship_name IS NOT NULL OR (CAST(orders.ship_zip AS VARCHAR) COLLATE "BINARY") IS NOT (CAST(substr(orders.ship_zip, ?, ?) AS VARCHAR) COLLATE "BINARY"));

-- change: detach orders, customer_id → users
UPDATE orders SET customer_id=? WHERE orders.customer_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND coalesce(orders.placed_at < ?, 0) = 0 AND orders.customer_id IS NOT NULL;

-- change: detach orders, guest_email = email
UPDATE orders SET guest_email=? WHERE slett_fold(orders.guest_email) IN (SELECT slett_fold(slett_keys_7.k0) AS slett_fold_1
FROM slett_keys_7
WHERE slett_keys_7.k0 != ?) AND coalesce(orders.placed_at < ?, 0) = 0 AND orders.guest_email IS NOT NULL;

-- change: expire orders, customer_id → users, guest_email = email
DELETE FROM orders WHERE (orders.shop, orders.no) IN (SELECT slett_keys_2.k0, slett_keys_2.k1
FROM slett_keys_2) AND (orders.customer_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) OR slett_fold(orders.guest_email) IN (SELECT slett_fold(slett_keys_7.k0) AS slett_fold_1
FROM slett_keys_7
WHERE slett_keys_7.k0 != ?)) AND coalesce(orders.placed_at < ?, 0) = 1;

-- change: delete attachments, owner_id → users
DELETE FROM attachments WHERE attachments.owner_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND attachments.owner_type = ?;

-- change: delete attachments, owner_id → posts
DELETE FROM attachments WHERE attachments.owner_id IN (SELECT slett_keys_3.k0
FROM slett_keys_3
WHERE CAST(slett_keys_3.k0 AS VARCHAR) != ?) AND attachments.owner_type = ?;

-- change: delete posts, author_id → users
DELETE FROM posts WHERE posts.id IN (SELECT slett_keys_3.k0
FROM slett_keys_3) AND posts.author_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- change: delete messages, sender_id → users
DELETE FROM messages WHERE messages.sender_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- detach: detach messages, recipient_id → users
UPDATE messages SET recipient_id=?, recipient_name=? WHERE messages.recipient_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND (messages.recipient_id IS NOT NULL OR (CAST(messages.recipient_name AS VARCHAR) COLLATE "BINARY") IS NOT (CAST(? AS VARCHAR) COLLATE "BINARY"));

-- change: delete events, payload → users
DELETE FROM events WHERE (CAST(json_extract(events.payload, ?) AS VARCHAR) COLLATE "BINARY") IN (SELECT CAST(slett_keys_1.k0 AS VARCHAR) COLLATE "BINARY" AS anon_1
FROM slett_keys_1);

-- change: delete albums, owner_a → users
DELETE FROM albums WHERE albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND NOT (albums.owner_b IS NOT NULL AND coalesce(albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1), 0) = 0);

-- change: delete albums, owner_b → users
DELETE FROM albums WHERE albums.owner_b IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND NOT (albums.owner_a IS NOT NULL AND coalesce(albums.owner_a IN (SELECT slett_keys_1.k0
FROM slett_keys_1), 0) = 0);

-- change: delete project_members, user_id → users
DELETE FROM project_members WHERE (project_members.project_id, project_members.user_id) IN (SELECT slett_keys_4.k0, slett_keys_4.k1
FROM slett_keys_4) AND project_members.user_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);

-- change: delete projects, id → project_members
DELETE FROM projects WHERE projects.id IN (SELECT slett_keys_4.k0
FROM slett_keys_4) AND NOT (EXISTS (SELECT ? AS anon_1
FROM project_members AS slett_holder
WHERE slett_holder.project_id = projects.id AND coalesce((slett_holder.project_id, slett_holder.user_id) IN (SELECT slett_keys_4.k0, slett_keys_4.k1
FROM slett_keys_4), 0) = 0));

-- detach: detach projects, created_by → users
UPDATE projects SET created_by=? WHERE projects.created_by IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND projects.created_by IS NOT NULL;

-- change: anonymise reviews, user_id → users
UPDATE reviews SET user_id=?, nick=(? || substr(slett_hmac(?, reviews.nick), ?, ?)), born=strftime(?, reviews.born) WHERE reviews.user_id IN (SELECT slett_keys_1.k0
FROM slett_keys_1) AND (reviews.nick IS NOT NULL AND NOT (reviews.nick LIKE ? AND length(reviews.nick) = ?) OR reviews.born IS NOT strftime(?, reviews.born) OR reviews.user_id IS NOT NULL);

-- change: delete users, named by key, named by email
DELETE FROM users WHERE users.id IN (SELECT slett_keys_1.k0
FROM slett_keys_1);
