-- A shop: 15 tables with rows of people, and its products. Indexes are added once the rows are in. What is in braces, each
-- database says in its own way.

CREATE TABLE products ({id}, name text NOT NULL, price numeric(10, 2) NOT NULL);
CREATE TABLE people (
    {id}, email varchar(254) NOT NULL, name varchar(120) NOT NULL, phone varchar(32),
    password varchar(128) NOT NULL, active boolean NOT NULL, created_at {time} NOT NULL
);
CREATE TABLE addresses (
    {id}, person_id bigint NOT NULL, street varchar(120) NOT NULL, postcode varchar(12) NOT NULL,
    city varchar(80) NOT NULL
);
CREATE TABLE sessions (
    {id}, person_id bigint NOT NULL, token char(32) NOT NULL, ip {ip} NOT NULL, agent text NOT NULL,
    seen_at {time} NOT NULL
);
CREATE TABLE carts ({id}, person_id bigint NOT NULL, created_at {time} NOT NULL);
CREATE TABLE cart_items ({id}, cart_id bigint NOT NULL, product_id bigint NOT NULL, amount int NOT NULL);
CREATE TABLE orders (
    {id}, person_id bigint NOT NULL, placed_at {time} NOT NULL, total numeric(10, 2) NOT NULL,
    ship_name varchar(120) NOT NULL, ship_street varchar(120) NOT NULL, ship_postcode varchar(12) NOT NULL
);
CREATE TABLE order_items (
    {id}, order_id bigint NOT NULL, product_id bigint NOT NULL, amount int NOT NULL,
    price numeric(10, 2) NOT NULL
);
CREATE TABLE payments (
    {id}, order_id bigint NOT NULL, amount numeric(10, 2) NOT NULL, card varchar(40) NOT NULL,
    paid_at {time} NOT NULL
);
CREATE TABLE shipments (
    {id}, order_id bigint NOT NULL, tracking varchar(40) NOT NULL, sent_at {time} NOT NULL
);
CREATE TABLE messages (
    {id}, sender_id bigint NOT NULL, recipient_id bigint, body text NOT NULL, sent_at {time} NOT NULL
);
CREATE TABLE reviews (
    {id}, person_id bigint NOT NULL, product_id bigint NOT NULL, stars int NOT NULL, body text NOT NULL
);
CREATE TABLE review_votes ({id}, review_id bigint NOT NULL, person_id bigint NOT NULL, up boolean NOT NULL);
CREATE TABLE wishlists ({id}, person_id bigint NOT NULL, name varchar(80) NOT NULL);
CREATE TABLE wishlist_items ({id}, wishlist_id bigint NOT NULL, product_id bigint NOT NULL);
CREATE TABLE notifications (
    {id}, person_id bigint NOT NULL, body text NOT NULL, seen boolean NOT NULL, sent_at {time} NOT NULL
);
