-- A ledger as the first version left it: one run, stopped by a power cut. Invented people.
BEGIN TRANSACTION;
CREATE TABLE bucket (
	name VARCHAR NOT NULL,
	tat FLOAT NOT NULL,
	held_until FLOAT NOT NULL,
	PRIMARY KEY (name)
);
INSERT INTO "bucket" VALUES('https://127.0.0.1:8443/5070ed86-6bbf-57e0-aaa9-83bc5f733174/9eed89d8-d743-5140-8c18-9830528e78b7/units',1.79563784287004590033e+09,0.0);
CREATE TABLE change (
	run_id VARCHAR NOT NULL,
	seq INTEGER NOT NULL,
	kind VARCHAR NOT NULL,
	"before" JSON NOT NULL,
	"after" JSON NOT NULL,
	method_id VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	attempts INTEGER NOT NULL,
	sent_at FLOAT,
	answered_at FLOAT,
	fault JSON,
	PRIMARY KEY (run_id, seq, kind),
	FOREIGN KEY(run_id, seq) REFERENCES "row" (run_id, seq) ON DELETE CASCADE
);
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',1,'contact','{"otherMails":[],"mobilePhone":null}','{"otherMails":["ava@adatum.com"],"mobilePhone":"+1 2065550101"}','','confirmed',1,1793607302.0,1793607303.0,'null');
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',1,'email_method','{"emailAddress":null}','{"emailAddress":"ava@adatum.com"}','','confirmed',1,1793607302.0,1793607303.0,'null');
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',1,'phone_method','{"phoneNumber":null}','{"phoneNumber":"+1 2065550101"}','','confirmed',1,1793607302.0,1793607303.0,'null');
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',2,'contact','{"otherMails":[],"mobilePhone":null}','{"otherMails":["bo@adatum.com"],"mobilePhone":"+1 2065550102"}','','sent',1,1793607302.0,NULL,NULL);
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',2,'email_method','{"emailAddress":null}','{"emailAddress":"bo@adatum.com"}','','planned',0,NULL,NULL,NULL);
INSERT INTO "change" VALUES('20261102-081500-aaaaaa',2,'phone_method','{"phoneNumber":null}','{"phoneNumber":"+1 2065550102"}','','planned',0,NULL,NULL,NULL);
CREATE TABLE flow_run (
	id VARCHAR NOT NULL,
	run_id VARCHAR NOT NULL,
	PRIMARY KEY (id),
	FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "flow_run" VALUES('flow-1','20261102-081500-aaaaaa');
CREATE TABLE lease (
	name VARCHAR NOT NULL,
	holder VARCHAR NOT NULL,
	host VARCHAR NOT NULL,
	process VARCHAR NOT NULL,
	until FLOAT NOT NULL,
	PRIMARY KEY (name)
);
CREATE TABLE "row" (
	run_id VARCHAR NOT NULL,
	seq INTEGER NOT NULL,
	source INTEGER NOT NULL,
	line INTEGER NOT NULL,
	cells JSON NOT NULL,
	upn VARCHAR NOT NULL,
	email VARCHAR NOT NULL,
	phone VARCHAR NOT NULL,
	state VARCHAR NOT NULL,
	reasons JSON NOT NULL,
	warnings JSON NOT NULL,
	message VARCHAR NOT NULL,
	account_id VARCHAR NOT NULL,
	"before" JSON,
	now JSON,
	compared_at FLOAT,
	PRIMARY KEY (run_id, seq),
	FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "row" VALUES('20261102-081500-aaaaaa',1,0,2,'["ava@contoso.com","ava@adatum.com","+1 2065550101"]','ava@contoso.com','ava@adatum.com','+1 2065550101','updated','[]','[]','','6b92c8bf-064f-55d9-bbb3-9509ac19de64','{"id":"6b92c8bf-064f-55d9-bbb3-9509ac19de64","user_principal_name":"ava@contoso.com","mail":"ava@contoso.com","proxy_addresses":["SMTP:ava@contoso.com"],"other_mails":["old@adatum.com"],"mobile_phone":"","enabled":true,"guest":false,"synced":false,"administrator":true,"methods":{"email":"","email_id":"","mobile_phone":"","mobile_phone_id":"","authenticator_app":false,"complete":true}}','{"id":"6b92c8bf-064f-55d9-bbb3-9509ac19de64","user_principal_name":"ava@contoso.com","mail":"ava@contoso.com","proxy_addresses":["SMTP:ava@contoso.com"],"other_mails":["ava@adatum.com","old@adatum.com"],"mobile_phone":"+1 2065550101","enabled":true,"guest":false,"synced":false,"administrator":true,"methods":{"email":"","email_id":"","mobile_phone":"","mobile_phone_id":"","authenticator_app":false,"complete":true}}',1.7956378428782694339e+09);
INSERT INTO "row" VALUES('20261102-081500-aaaaaa',2,0,3,'["bo@contoso.com","bo@adatum.com","+1 2065550102"]','bo@contoso.com','bo@adatum.com','+1 2065550102','writing','[]','[]','','622f67f7-b0da-5e71-85b4-287ff3f60263','{"id":"622f67f7-b0da-5e71-85b4-287ff3f60263","user_principal_name":"bo@contoso.com","mail":"bo@contoso.com","proxy_addresses":["SMTP:bo@contoso.com"],"other_mails":[],"mobile_phone":"","enabled":true,"guest":false,"synced":false,"administrator":true,"methods":{"email":"","email_id":"","mobile_phone":"","mobile_phone_id":"","authenticator_app":false,"complete":true}}','{"id":"622f67f7-b0da-5e71-85b4-287ff3f60263","user_principal_name":"bo@contoso.com","mail":"bo@contoso.com","proxy_addresses":["SMTP:bo@contoso.com"],"other_mails":[],"mobile_phone":"","enabled":true,"guest":false,"synced":false,"administrator":true,"methods":{"email":"","email_id":"","mobile_phone":"","mobile_phone_id":"","authenticator_app":false,"complete":true}}',1.7956378428782694339e+09);
INSERT INTO "row" VALUES('20261102-081500-aaaaaa',3,0,4,'["cy@contoso.com","","+1 2065550103"]','cy@contoso.com','','+1 2065550103','rejected','[["email_missing",""]]','[]','','',NULL,NULL,NULL);
CREATE TABLE run (
	id VARCHAR NOT NULL,
	command VARCHAR NOT NULL,
	tenant VARCHAR NOT NULL,
	target VARCHAR NOT NULL,
	options JSON NOT NULL,
	out VARCHAR NOT NULL,
	who VARCHAR NOT NULL,
	started_at FLOAT NOT NULL,
	finished_at FLOAT,
	ended BOOLEAN NOT NULL,
	exit_code INTEGER,
	stopped_because VARCHAR NOT NULL,
	judged BOOLEAN NOT NULL,
	feature_before BOOLEAN,
	feature_after BOOLEAN,
	traffic JSON NOT NULL,
	counts JSON,
	PRIMARY KEY (id)
);
INSERT INTO "run" VALUES('20261102-081500-aaaaaa','run','simulated','both','{"default_country":null,"mapping":{},"encoding":null,"profile":null,"check_domains":false,"replace_methods":false,"enable_feature":false,"max_failures":null,"batch_size":20,"approved":false}','/work/here/out','ava@workstation',1793607300.0,NULL,0,NULL,'',1,1,1,'{"requests":7,"batches":3,"writes":0,"throttled":0,"retried":0,"seconds":0.0771951675415039}','null');
CREATE TABLE source (
	run_id VARCHAR NOT NULL,
	number INTEGER NOT NULL,
	path VARCHAR NOT NULL,
	name VARCHAR NOT NULL,
	facts JSON,
	rows INTEGER NOT NULL,
	PRIMARY KEY (run_id, number),
	FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
);
INSERT INTO "source" VALUES('20261102-081500-aaaaaa',0,'/work/here/in.csv','in.csv','{"name":"in.csv","sha256":"c51a53a6ac9385871bd8eabe2a09290fe71c598106d987884ac974197d0cdcd5","encoding":"utf-8","delimiter":",","header":["user_principal_name","alternate_email","mobile_phone"],"columns":{"user_principal_name":0,"alternate_email":1,"mobile_phone":2},"notes":["Read by the columns of sspr itself.","Columns: user_principal_name, alternate_email, mobile_phone."],"profile":"canonical"}',3);
CREATE INDEX row_by_state ON "row" (run_id, state, seq);
CREATE INDEX change_by_state ON change (run_id, state, seq);
COMMIT;
