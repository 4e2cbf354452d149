-- round 1

-- collect shop/users
SELECT DISTINCT 0, users.id, users.email
FROM users
WHERE users.id = ANY (%(param_1)s)
 LIMIT 501;

-- collect shop/users
SELECT DISTINCT 0, users.id, users.email
FROM users
WHERE lower(CAST(users.email AS VARCHAR)) IN (lower(CAST(%(param_1)s AS VARCHAR)))
 LIMIT 501;

-- round 2

-- collect shop/orders
SELECT DISTINCT 0, orders.shop, orders.no
FROM orders
WHERE orders.customer_id = ANY (%(param_1)s)
 LIMIT 501;

-- collect shop/orders
SELECT DISTINCT 0, orders.shop, orders.no
FROM orders
WHERE lower(CAST(orders.guest_email AS VARCHAR)) IN (lower(CAST(%(param_1)s AS VARCHAR)))
 LIMIT 501;

-- collect shop/posts
SELECT DISTINCT 0, posts.id
FROM posts
WHERE posts.author_id = ANY (%(param_1)s)
 LIMIT 501;

-- collect shop/project_members
SELECT DISTINCT 0, project_members.project_id, project_members.user_id
FROM project_members
WHERE project_members.user_id = ANY (%(param_1)s)
 LIMIT 501;

-- disable: disable users, named by key, named by email
UPDATE users SET active=%(active)s WHERE users.id = ANY (%(param_1)s) AND users.active IS DISTINCT FROM %(param_2)s;

-- disable: disable sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id = ANY (%(param_1)s);

-- detach: detach posts, above → posts
UPDATE posts SET above=%(above)s WHERE posts.above = ANY (%(param_1)s) AND posts.above IS NOT NULL;

-- detach: detach albums, owner_a → users
UPDATE albums SET owner_a=%(owner_a)s WHERE albums.owner_a = ANY (%(param_1)s) AND albums.owner_b IS NOT NULL AND NOT coalesce(albums.owner_b = ANY (%(param_2)s), false) AND albums.owner_a IS NOT NULL;

-- detach: detach albums, owner_b → users
UPDATE albums SET owner_b=%(owner_b)s WHERE albums.owner_b = ANY (%(param_1)s) AND albums.owner_a IS NOT NULL AND NOT coalesce(albums.owner_a = ANY (%(param_2)s), false) AND albums.owner_b IS NOT NULL;

-- change: delete sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id = ANY (%(param_1)s);

-- change: expire order_items, shop, order_no → orders
DELETE FROM order_items WHERE (order_items.shop, order_items.order_no) IN ((%(param_1_1_1)s, %(param_1_1_2)s)) AND (EXISTS (SELECT %(param_2)s::INTEGER AS anon_1
FROM orders AS slett_parent1
WHERE order_items.shop = slett_parent1.shop AND order_items.order_no = slett_parent1.no AND coalesce(slett_parent1.placed_at < %(param_3)s, false)));

-- change: keep orders, customer_id → users, guest_email = email
UPDATE orders SET ship_name=%(ship_name)s, ship_zip=substr(orders.ship_zip, %(substr_1)s::INTEGER, %(substr_2)s::INTEGER) WHERE (orders.shop, orders.no) IN ((%(param_1_1_1)s, %(param_1_1_2)s)) AND (orders.customer_id = ANY (%(param_2)s) OR lower(CAST(orders.guest_email AS VARCHAR)) IN (lower(CAST(%(param_3)s AS VARCHAR)))) AND NOT coalesce(orders.placed_at < %(param_4)s, false) AND (orders.ship_name IS NOT NULL OR CAST(orders.ship_zip AS VARCHAR) IS DISTINCT FROM CAST(substr(orders.ship_zip, %(substr_3)s::INTEGER, %(substr_4)s::INTEGER) AS VARCHAR));

-- change: detach orders, customer_id → users
UPDATE orders SET customer_id=%(customer_id)s WHERE orders.customer_id = ANY (%(param_1)s) AND NOT coalesce(orders.placed_at < %(param_2)s, false) AND orders.customer_id IS NOT NULL;

-- change: detach orders, guest_email = email
UPDATE orders SET guest_email=%(guest_email)s WHERE lower(CAST(orders.guest_email AS VARCHAR)) IN (lower(CAST(%(param_1)s AS VARCHAR))) AND NOT coalesce(orders.placed_at < %(param_2)s, false) AND orders.guest_email IS NOT NULL;

-- change: expire orders, customer_id → users, guest_email = email
DELETE FROM orders WHERE (orders.shop, orders.no) IN ((%(param_1_1_1)s, %(param_1_1_2)s)) AND (orders.customer_id = ANY (%(param_2)s) OR lower(CAST(orders.guest_email AS VARCHAR)) IN (lower(CAST(%(param_3)s AS VARCHAR)))) AND coalesce(orders.placed_at < %(param_4)s, false);

-- change: delete attachments, owner_id → users
DELETE FROM attachments WHERE attachments.owner_id = ANY (%(param_1)s) AND attachments.owner_type = %(param_2)s;

-- change: delete attachments, owner_id → posts
DELETE FROM attachments WHERE attachments.owner_id = ANY (%(param_1)s) AND attachments.owner_type = %(param_2)s;

-- change: delete posts, author_id → users
DELETE FROM posts WHERE posts.id = ANY (%(param_1)s) AND posts.author_id = ANY (%(param_2)s);

-- change: delete messages, sender_id → users
DELETE FROM messages WHERE messages.sender_id = ANY (%(param_1)s);

-- detach: detach messages, recipient_id → users
UPDATE messages SET recipient_id=%(recipient_id)s, recipient_name=%(recipient_name)s WHERE messages.recipient_id = ANY (%(param_1)s) AND (messages.recipient_id IS NOT NULL OR CAST(messages.recipient_name AS VARCHAR) IS DISTINCT FROM CAST(%(param_2)s AS VARCHAR));

-- change: delete events, payload → users
DELETE FROM events WHERE (CAST(events.payload AS JSONB) #>> '{"user","id"}') IN (%(param_1)s);

-- change: delete albums, owner_a → users
DELETE FROM albums WHERE albums.owner_a = ANY (%(param_1)s) AND NOT (albums.owner_b IS NOT NULL AND NOT coalesce(albums.owner_b = ANY (%(param_2)s), false));

-- change: delete albums, owner_b → users
DELETE FROM albums WHERE albums.owner_b = ANY (%(param_1)s) AND NOT (albums.owner_a IS NOT NULL AND NOT coalesce(albums.owner_a = ANY (%(param_2)s), false));

-- change: delete project_members, user_id → users
DELETE FROM project_members WHERE (project_members.project_id, project_members.user_id) IN ((%(param_1_1_1)s, %(param_1_1_2)s)) AND project_members.user_id = ANY (%(param_2)s);

-- change: delete projects, id → project_members
DELETE FROM projects WHERE projects.id = ANY (%(param_1)s) AND NOT (EXISTS (SELECT %(param_2)s::INTEGER AS anon_1
FROM project_members AS slett_holder
WHERE slett_holder.project_id = projects.id AND NOT coalesce((slett_holder.project_id, slett_holder.user_id) IN ((%(param_3_1_1)s, %(param_3_1_2)s)), false)));

-- detach: detach projects, created_by → users
UPDATE projects SET created_by=%(created_by)s WHERE projects.created_by = ANY (%(param_1)s) AND projects.created_by IS NOT NULL;

-- change: anonymise reviews, user_id → users
UPDATE reviews SET user_id=%(user_id)s, nick=(%(param_1)s::VARCHAR || substr(encode(sha256(CAST(%(param_2)s AS BYTEA) || sha256(CAST(%(param_3)s AS BYTEA) || convert_to(CAST(reviews.nick AS VARCHAR), %(convert_to_1)s::VARCHAR))), %(encode_1)s::VARCHAR), %(substr_1)s::INTEGER, %(substr_2)s::INTEGER)), born=CAST(date_trunc(%(date_trunc_1)s::VARCHAR, reviews.born) AS DATE) WHERE reviews.user_id = ANY (%(param_4)s) AND (reviews.nick IS NOT NULL AND NOT (reviews.nick LIKE %(nick_1)s::VARCHAR AND length(reviews.nick) = %(length_1)s::INTEGER) OR reviews.born IS DISTINCT FROM CAST(date_trunc(%(date_trunc_2)s::VARCHAR, reviews.born) AS DATE) OR reviews.user_id IS NOT NULL);

-- change: delete users, named by key, named by email
DELETE FROM users WHERE users.id = ANY (%(param_1)s);
