-- round 1

-- collect shop/users
SELECT DISTINCT slett_list_5.person, users.id, users.email
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: bigint[]) AS slett_list_5(person, k0), users
WHERE users.id = slett_list_5.k0
 LIMIT 501;

-- collect shop/users
SELECT DISTINCT slett_list_6.person, users.id, users.email
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: text[]) AS slett_list_6(person, k0), users
WHERE lower(CAST(users.email AS VARCHAR)) = lower(CAST(slett_list_6.k0 AS VARCHAR)) AND slett_list_6.k0 != %(k0_1)s::VARCHAR
 LIMIT 501;

-- round 2

-- collect shop/orders
SELECT DISTINCT slett_list_1.person, orders.shop, orders.no
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1), orders
WHERE orders.customer_id = slett_list_1.k0
 LIMIT 501;

-- collect shop/orders
SELECT DISTINCT slett_list_7.person, orders.shop, orders.no
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: text[]) AS slett_list_7(person, k0), orders
WHERE lower(CAST(orders.guest_email AS VARCHAR)) = lower(CAST(slett_list_7.k0 AS VARCHAR)) AND slett_list_7.k0 != %(k0_1)s::VARCHAR
 LIMIT 501;

-- collect shop/posts
SELECT DISTINCT slett_list_1.person, posts.id
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1), posts
WHERE posts.author_id = slett_list_1.k0
 LIMIT 501;

-- collect shop/project_members
SELECT DISTINCT slett_list_1.person, project_members.project_id, project_members.user_id
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1), project_members
WHERE project_members.user_id = slett_list_1.k0
 LIMIT 501;

-- disable: disable users, named by key, named by email
UPDATE users SET active=%(active)s WHERE users.id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND users.active IS DISTINCT FROM %(param_4)s;

-- disable: disable sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1));

-- detach: detach posts, above → posts
UPDATE posts SET above=%(above)s WHERE posts.above IN (SELECT slett_list_3.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[]) AS slett_list_3(person, k0)) AND posts.above IS NOT NULL;

-- detach: detach albums, owner_a → users
UPDATE albums SET owner_a=%(owner_a)s WHERE albums.owner_a IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND albums.owner_b IS NOT NULL AND NOT coalesce(albums.owner_b IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)), false) AND albums.owner_a IS NOT NULL;

-- detach: detach albums, owner_b → users
UPDATE albums SET owner_b=%(owner_b)s WHERE albums.owner_b IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND albums.owner_a IS NOT NULL AND NOT coalesce(albums.owner_a IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)), false) AND albums.owner_b IS NOT NULL;

-- change: delete sessions, user_id → users
DELETE FROM sessions WHERE sessions.user_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1));

-- change: expire order_items, shop, order_no → orders
DELETE FROM order_items WHERE (order_items.shop, order_items.order_no) IN (SELECT slett_list_2.k0, slett_list_2.k1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_2(person, k0, k1)) AND (EXISTS (SELECT %(param_4)s::INTEGER AS anon_1
FROM orders AS slett_parent1
WHERE order_items.shop = slett_parent1.shop AND order_items.order_no = slett_parent1.no AND coalesce(slett_parent1.placed_at < %(param_5)s, false)));

-- change: keep orders, customer_id → users, guest_email = email
UPDATE orders SET ship_name=%(ship_name)s, ship_zip=substr(orders.ship_zip, %(substr_1)s::INTEGER, %(substr_2)s::INTEGER) WHERE (orders.shop, orders.no) IN (SELECT slett_list_2.k0, slett_list_2.k1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_2(person, k0, k1)) AND (orders.customer_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_4)s :: integer[], %(param_5)s :: integer[], %(param_6)s :: text[]) AS slett_list_1(person, k0, k1)) OR lower(CAST(orders.guest_email AS VARCHAR)) IN (SELECT lower(CAST(slett_list_7.k0 AS VARCHAR)) AS lower_1
FROM unnest(%(param_7)s :: integer[], %(param_8)s :: text[]) AS slett_list_7(person, k0)
WHERE slett_list_7.k0 != %(k0_1)s::VARCHAR)) AND NOT coalesce(orders.placed_at < %(param_9)s, false) AND (orders.ship_name IS NOT NULL OR CAST(orders.ship_zip AS VARCHAR) IS DISTINCT FROM CAST(substr(orders.ship_zip, %(substr_3)s::INTEGER, %(substr_4)s::INTEGER) AS VARCHAR));

-- change: detach orders, customer_id → users
UPDATE orders SET customer_id=%(customer_id)s WHERE orders.customer_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND NOT coalesce(orders.placed_at < %(param_4)s, false) AND orders.customer_id IS NOT NULL;

-- change: detach orders, guest_email = email
UPDATE orders SET guest_email=%(guest_email)s WHERE lower(CAST(orders.guest_email AS VARCHAR)) IN (SELECT lower(CAST(slett_list_7.k0 AS VARCHAR)) AS lower_1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: text[]) AS slett_list_7(person, k0)
WHERE slett_list_7.k0 != %(k0_1)s::VARCHAR) AND NOT coalesce(orders.placed_at < %(param_3)s, false) AND orders.guest_email IS NOT NULL;

-- change: expire orders, customer_id → users, guest_email = email
DELETE FROM orders WHERE (orders.shop, orders.no) IN (SELECT slett_list_2.k0, slett_list_2.k1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_2(person, k0, k1)) AND (orders.customer_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_4)s :: integer[], %(param_5)s :: integer[], %(param_6)s :: text[]) AS slett_list_1(person, k0, k1)) OR lower(CAST(orders.guest_email AS VARCHAR)) IN (SELECT lower(CAST(slett_list_7.k0 AS VARCHAR)) AS lower_1
FROM unnest(%(param_7)s :: integer[], %(param_8)s :: text[]) AS slett_list_7(person, k0)
WHERE slett_list_7.k0 != %(k0_1)s::VARCHAR)) AND coalesce(orders.placed_at < %(param_9)s, false);

-- change: delete attachments, owner_id → users
DELETE FROM attachments WHERE attachments.owner_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND attachments.owner_type = %(param_4)s;

-- change: delete attachments, owner_id → posts
DELETE FROM attachments WHERE attachments.owner_id IN (SELECT slett_list_3.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[]) AS slett_list_3(person, k0)
WHERE CAST(slett_list_3.k0 AS VARCHAR) != %(param_3)s::VARCHAR) AND attachments.owner_type = %(param_4)s;

-- change: delete posts, author_id → users
DELETE FROM posts WHERE posts.id IN (SELECT slett_list_3.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[]) AS slett_list_3(person, k0)) AND posts.author_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_3)s :: integer[], %(param_4)s :: integer[], %(param_5)s :: text[]) AS slett_list_1(person, k0, k1));

-- change: delete messages, sender_id → users
DELETE FROM messages WHERE messages.sender_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1));

-- detach: detach messages, recipient_id → users
UPDATE messages SET recipient_id=%(recipient_id)s, recipient_name=%(recipient_name)s WHERE messages.recipient_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND (messages.recipient_id IS NOT NULL OR CAST(messages.recipient_name AS VARCHAR) IS DISTINCT FROM CAST(%(param_4)s AS VARCHAR));

-- change: delete events, payload → users
DELETE FROM events WHERE (CAST(events.payload AS JSONB) #>> '{"user","id"}') IN (SELECT CAST(slett_list_1.k0 AS VARCHAR) AS k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1));

-- change: delete albums, owner_a → users
DELETE FROM albums WHERE albums.owner_a IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND NOT (albums.owner_b IS NOT NULL AND NOT coalesce(albums.owner_b IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)), false));

-- change: delete albums, owner_b → users
DELETE FROM albums WHERE albums.owner_b IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND NOT (albums.owner_a IS NOT NULL AND NOT coalesce(albums.owner_a IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)), false));

-- change: delete project_members, user_id → users
DELETE FROM project_members WHERE (project_members.project_id, project_members.user_id) IN (SELECT slett_list_4.k0, slett_list_4.k1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_4(person, k0, k1)) AND project_members.user_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_4)s :: integer[], %(param_5)s :: integer[], %(param_6)s :: text[]) AS slett_list_1(person, k0, k1));

-- change: delete projects, id → project_members
DELETE FROM projects WHERE projects.id IN (SELECT slett_list_4.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_4(person, k0, k1)) AND NOT (EXISTS (SELECT %(param_4)s::INTEGER AS anon_1
FROM project_members AS slett_holder
WHERE slett_holder.project_id = projects.id AND NOT coalesce((slett_holder.project_id, slett_holder.user_id) IN (SELECT slett_list_4.k0, slett_list_4.k1
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: integer[]) AS slett_list_4(person, k0, k1)), false)));

-- detach: detach projects, created_by → users
UPDATE projects SET created_by=%(created_by)s WHERE projects.created_by IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1)) AND projects.created_by IS NOT NULL;

-- change: anonymise reviews, user_id → users
UPDATE reviews SET user_id=%(user_id)s, nick=(%(param_1)s::VARCHAR || substr(encode(sha256(CAST(%(param_2)s AS BYTEA) || sha256(CAST(%(param_3)s AS BYTEA) || convert_to(CAST(reviews.nick AS VARCHAR), %(convert_to_1)s::VARCHAR))), %(encode_1)s::VARCHAR), %(substr_1)s::INTEGER, %(substr_2)s::INTEGER)), born=CAST(date_trunc(%(date_trunc_1)s::VARCHAR, reviews.born) AS DATE) WHERE reviews.user_id IN (SELECT slett_list_1.k0
FROM unnest(%(param_4)s :: integer[], %(param_5)s :: integer[], %(param_6)s :: text[]) AS slett_list_1(person, k0, k1)) AND (reviews.nick IS NOT NULL AND NOT (reviews.nick LIKE %(nick_1)s::VARCHAR AND length(reviews.nick) = %(length_1)s::INTEGER) OR reviews.born IS DISTINCT FROM CAST(date_trunc(%(date_trunc_2)s::VARCHAR, reviews.born) AS DATE) OR reviews.user_id IS NOT NULL);

-- change: delete users, named by key, named by email
DELETE FROM users WHERE users.id IN (SELECT slett_list_1.k0
FROM unnest(%(param_1)s :: integer[], %(param_2)s :: integer[], %(param_3)s :: text[]) AS slett_list_1(person, k0, k1));
